-- What is listed, and everything that was ever decided about it.
CREATE TABLE indicator (
    subject    TEXT    NOT NULL PRIMARY KEY, -- canonical
    category   INTEGER NOT NULL, -- code of the taxonomy
    source     TEXT    NOT NULL,
    reference  TEXT    NOT NULL, -- case number; one case may have several subjects
    reason     TEXT    NOT NULL, -- JSON: language to sentence
    first_seen INTEGER NOT NULL, -- Unix seconds
    lapses     INTEGER NOT NULL, -- Unix seconds, 0 is never
    withdrawn  INTEGER NOT NULL DEFAULT 0 -- Unix seconds, 0 is listed
) STRICT, WITHOUT ROWID;

-- Only ever appended to.
CREATE TABLE decision (
    seq     INTEGER PRIMARY KEY,
    time    INTEGER NOT NULL, -- Unix seconds
    actor   TEXT    NOT NULL,
    action  TEXT    NOT NULL CHECK (action IN ('list', 'import', 'withdraw')),
    subject TEXT    NOT NULL,
    reason  TEXT    NOT NULL
) STRICT;

CREATE INDEX decision_by_subject ON decision (subject, seq);

-- What was published.
CREATE TABLE release (
    sequence INTEGER NOT NULL PRIMARY KEY,
    digest   TEXT    NOT NULL, -- SHA-256 of the set, in hex
    size     INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    issued   INTEGER NOT NULL,
    expires  INTEGER NOT NULL,
    bits     INTEGER NOT NULL
) STRICT;

-- The last case number given in each year.
CREATE TABLE case_number (
    year INTEGER NOT NULL PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT;
