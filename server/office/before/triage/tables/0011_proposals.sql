-- A release that one person has proposed, until two have confirmed it, it went out by itself, or somebody has stopped
-- it. At most one is open.
CREATE TABLE proposal (
    id      INTEGER PRIMARY KEY,
    actor   TEXT    NOT NULL,
    made    INTEGER NOT NULL, -- Unix seconds
    due     INTEGER NOT NULL, -- Unix seconds when it goes out by itself; 0: never
    digest  TEXT    NOT NULL, -- of what is confirmed, in hex
    seq     INTEGER NOT NULL, -- of the ledger's last decision that is in it
    cases   TEXT    NOT NULL, -- JSON: their numbers, and when each was decided
    anew    INTEGER NOT NULL, -- as khien publish --anew and --clock-is-right
    clock   INTEGER NOT NULL,
    changes TEXT    NOT NULL, -- JSON: what it changes, for people
    state   TEXT    NOT NULL DEFAULT 'open',
    ended   INTEGER NOT NULL DEFAULT 0, -- Unix seconds
    ender   TEXT    NOT NULL DEFAULT '',
    why     TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX proposal_open ON proposal (state) WHERE state = 'open';
