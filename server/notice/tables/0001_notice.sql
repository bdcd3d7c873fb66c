-- What partners are told about takedown cases, one row for each turn of a case.
CREATE TABLE notice (
    id        INTEGER PRIMARY KEY,
    partner   TEXT    NOT NULL,
    takedown  INTEGER NOT NULL,
    step      INTEGER NOT NULL, -- of the case, by which it asks for this
    kind      TEXT    NOT NULL, -- takedown.prepared, takedown.re-appeared, takedown.withdrawn
    subject   TEXT    NOT NULL,
    reference TEXT    NOT NULL, -- case number
    made      INTEGER NOT NULL, -- Unix seconds
    state     TEXT    NOT NULL, -- new, waiting, ready, sent, failed, dropped
    data      TEXT    NOT NULL DEFAULT '', -- JSON; empty while new
    actor     TEXT    NOT NULL DEFAULT '', -- who has approved it
    ready     INTEGER NOT NULL DEFAULT 0, -- Unix seconds since when it may go
    hours     INTEGER NOT NULL, -- in which the partner answers
    tries     INTEGER NOT NULL DEFAULT 0,
    sent      INTEGER NOT NULL DEFAULT 0, -- Unix seconds of when the partner took it first; 0 is not yet
    problem   TEXT    NOT NULL DEFAULT '', -- why it has not gone
    UNIQUE (takedown, step)
) STRICT;

CREATE INDEX notice_in_line ON notice (partner, state, id);
CREATE INDEX notice_by_reference ON notice (reference);

-- Where notices are sent to.
CREATE TABLE notice_hook (
    partner  TEXT    NOT NULL PRIMARY KEY,
    address  TEXT    NOT NULL,
    plain    INTEGER NOT NULL CHECK (plain IN (0, 1)), -- 1: this machine, without https
    failures INTEGER NOT NULL DEFAULT 0, -- since the last one that was taken
    again    INTEGER NOT NULL DEFAULT 0, -- Unix seconds before which nothing is tried
    lease    INTEGER NOT NULL DEFAULT 0  -- Unix seconds until when a process sends
) STRICT, WITHOUT ROWID;

-- What partners have answered: all of it, of which the last one by its own time counts.
CREATE TABLE notice_answer (
    id        INTEGER PRIMARY KEY,
    takedown  INTEGER NOT NULL,
    partner   TEXT    NOT NULL,
    decision  TEXT    NOT NULL,
    decided   INTEGER NOT NULL, -- Unix seconds, as the partner says
    theirs    TEXT    NOT NULL, -- the platform's reference
    ground    TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    territory TEXT    NOT NULL,
    until     INTEGER NOT NULL, -- Unix seconds; 0 is without an end
    received  INTEGER NOT NULL, -- Unix seconds
    UNIQUE (takedown, decision, decided)
) STRICT;

-- Up to which step of which takedown case notices were made, by which agreements.
CREATE TABLE noticed (step INTEGER NOT NULL, agreements TEXT NOT NULL) STRICT;
INSERT INTO noticed (step, agreements) VALUES (0, '');
