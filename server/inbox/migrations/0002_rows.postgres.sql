-- Reports in the order in which they came.
CREATE TABLE report (
    seq      INTEGER PRIMARY KEY,
    source   BLOB    NOT NULL, -- keyed hash of where it came from; the key is gone the next day
    id       BLOB    NOT NULL CHECK (length(id) = 16),
    receipt  BLOB    NOT NULL CHECK (length(receipt) = 16),
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
);

CREATE UNIQUE INDEX report_by_id ON report (id);
CREATE UNIQUE INDEX report_by_receipt ON report (receipt);
CREATE INDEX report_decided ON report (state, seq) WHERE state <> 'received';

-- What was decided about each of them. Only ever appended to.
CREATE TABLE decision (
    seq     INTEGER PRIMARY KEY,
    report  BLOB    NOT NULL,
    time    INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    state   TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    reason  TEXT    NOT NULL
);

CREATE INDEX decision_by_report ON decision (report, seq);
