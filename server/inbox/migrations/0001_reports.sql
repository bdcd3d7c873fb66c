-- Reports as they came, and what was decided about each of them.
CREATE TABLE report (
    id       BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    receipt  TEXT    NOT NULL UNIQUE,
    received INTEGER NOT NULL, -- Unix seconds by our clock
    kind     TEXT    NOT NULL,
    subjects TEXT    NOT NULL, -- canonical, one a line, narrowest first
    href     TEXT    NOT NULL,
    title    TEXT    NOT NULL,
    language TEXT    NOT NULL,
    sent     INTEGER NOT NULL, -- Unix seconds by the sender's clock
    category TEXT    NOT NULL,
    note     TEXT    NOT NULL,
    state    TEXT    NOT NULL,
    changed  INTEGER NOT NULL, -- Unix seconds of the last change of state
    subject  TEXT    NOT NULL DEFAULT '', -- what was decided about
    reason   TEXT    NOT NULL DEFAULT ''  -- told to the holder of the receipt
) STRICT, WITHOUT ROWID;

CREATE INDEX report_by_state ON report (state, received);

-- Only ever appended to.
CREATE TABLE decision (
    seq     INTEGER PRIMARY KEY,
    report  BLOB    NOT NULL REFERENCES report (id),
    time    INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    state   TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    reason  TEXT    NOT NULL
) STRICT;

CREATE INDEX decision_by_report ON decision (report, seq);
