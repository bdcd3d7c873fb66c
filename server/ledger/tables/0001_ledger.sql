-- What is listed, and everything that was ever decided about it.
CREATE TABLE indicator (
    subject    TEXT    NOT NULL PRIMARY KEY, -- canonical
    category   INTEGER NOT NULL, -- code of the taxonomy
    source     TEXT    NOT NULL,
    reference  TEXT    NOT NULL, -- case number; one case may have several subjects
    reason     TEXT    NOT NULL, -- JSON: language to sentence
    first_seen INTEGER NOT NULL, -- Unix seconds
    lapses     INTEGER NOT NULL, -- Unix seconds, 0 is never
    withdrawn  INTEGER NOT NULL DEFAULT 0, -- Unix seconds, 0 is listed
    taken      TEXT    NOT NULL DEFAULT '{}', -- JSON: language to sentence, why it was taken off; what was taken off before that was kept says nothing
    address    TEXT    NOT NULL DEFAULT '' -- at which it was first seen, where the subject does not say as much: with scheme, port and escapes
) STRICT, WITHOUT ROWID;

-- Finds the accounts of one name on all platforms.
CREATE INDEX indicator_by_name ON indicator (substr(subject, instr(subject, '/') + 1)) WHERE instr(subject, ':') > 0;

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
    bits     INTEGER NOT NULL,
    head     TEXT    NOT NULL DEFAULT '', -- as it was signed, once all that it names was on the disk: empty for a number that was given to a release which a crash prevented
    keys     TEXT    NOT NULL DEFAULT ''  -- the list of keys that names the signer
) STRICT;

-- The last case number given in each year.
CREATE TABLE case_number (
    year INTEGER NOT NULL PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT;

-- Published files whose digest nothing that is signed names: deltas, and the steps that they are made of.
CREATE TABLE file (
    name   TEXT NOT NULL PRIMARY KEY, -- below published/
    digest TEXT NOT NULL -- SHA-256, in hex
) STRICT, WITHOUT ROWID;

-- What a release had and the next one had no more, as it was said there, with why it was taken off: the public register
-- speaks of nothing else that is over. What is on the list again stays here.
CREATE TABLE left_list (
    subject    TEXT    NOT NULL PRIMARY KEY, -- canonical
    category   INTEGER NOT NULL,
    source     TEXT    NOT NULL,
    reference  TEXT    NOT NULL,
    reason     TEXT    NOT NULL, -- JSON: language to sentence
    first_seen INTEGER NOT NULL, -- Unix seconds
    lapses     INTEGER NOT NULL, -- Unix seconds, 0 is never
    withdrawn  INTEGER NOT NULL, -- Unix seconds, 0 where its time was over
    taken      TEXT    NOT NULL  -- JSON: language to sentence
) STRICT, WITHOUT ROWID;
