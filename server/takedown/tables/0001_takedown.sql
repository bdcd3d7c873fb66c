-- What was asked of platforms, one case for each account, page, group or app that is or was listed.
CREATE TABLE takedown (
    id        INTEGER PRIMARY KEY, -- also its number
    subject   TEXT    NOT NULL UNIQUE, -- canonical
    platform  TEXT    NOT NULL,
    category  INTEGER NOT NULL, -- code of the taxonomy
    reference TEXT    NOT NULL, -- public case number of the indicator
    state     TEXT    NOT NULL,
    made      INTEGER NOT NULL, -- Unix seconds
    changed   INTEGER NOT NULL, -- Unix seconds of the last step
    due       INTEGER NOT NULL, -- Unix seconds of when who must act next has to; 0 is nobody
    theirs    TEXT    NOT NULL DEFAULT '', -- the platform's reference
    sent      INTEGER NOT NULL DEFAULT 0, -- Unix seconds of the first letter about what is there now; 0 before
    acted     INTEGER NOT NULL DEFAULT 0, -- Unix seconds of when the platform last acted; 0 before
    asked     INTEGER NOT NULL DEFAULT 0, -- how often letters were sent about something new; 1 again for each time it re-appeared
    answered  INTEGER NOT NULL DEFAULT 0, -- how often the platform acted on them
    returned  INTEGER NOT NULL DEFAULT 0  -- how often it re-appeared
) STRICT;

CREATE INDEX takedown_by_due ON takedown (state, due);
CREATE INDEX takedown_by_platform ON takedown (platform, state, due);

-- Every change, only ever appended to; before is the case as it was, in JSON, so that the last step can be taken back.
CREATE TABLE step (
    seq      INTEGER PRIMARY KEY,
    takedown INTEGER NOT NULL REFERENCES takedown (id),
    time     INTEGER NOT NULL, -- Unix seconds
    actor    TEXT    NOT NULL,
    state    TEXT    NOT NULL, -- after it
    why      TEXT    NOT NULL,
    undone   INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1)), -- 1: taken back, or takes one back
    before   TEXT    NOT NULL
) STRICT;

CREATE INDEX step_by_case ON step (takedown, seq);

-- How many days each platform took, one row each time that it acted on a letter.
CREATE TABLE action (
    takedown INTEGER NOT NULL REFERENCES takedown (id),
    platform TEXT    NOT NULL,
    sent     INTEGER NOT NULL, -- Unix seconds
    acted    INTEGER NOT NULL, -- Unix seconds
    PRIMARY KEY (takedown, acted)
) STRICT, WITHOUT ROWID;

-- The last release whose list was looked through.
CREATE TABLE followed (sequence INTEGER NOT NULL) STRICT;
INSERT INTO followed VALUES (0);
