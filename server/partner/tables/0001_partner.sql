-- What was agreed with whom: every version that two people have agreed on, of which the last one counts.
CREATE TABLE agreement (
    name    TEXT    NOT NULL, -- of the partner
    version INTEGER NOT NULL, -- from 1
    config  TEXT    NOT NULL, -- JSON: the agreement
    agreed  INTEGER NOT NULL, -- Unix seconds
    people  TEXT    NOT NULL, -- JSON: who proposed it, and who agreed
    ended   INTEGER NOT NULL DEFAULT 0, -- Unix seconds since when it holds no more, 0 is not
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;

-- What one person wants to be agreed, until another one agrees or stops it. There is one of a partner at a time.
CREATE TABLE agreement_proposal (
    id      INTEGER PRIMARY KEY,
    name    TEXT    NOT NULL,
    config  TEXT    NOT NULL, -- JSON
    base    INTEGER NOT NULL, -- the version that it changes; 0 is none
    actor   TEXT    NOT NULL, -- who proposes it
    shell   INTEGER NOT NULL CHECK (shell IN (0, 1)), -- 1: on the command line, by whoever that is
    made    INTEGER NOT NULL, -- Unix seconds
    agreed  TEXT    NOT NULL DEFAULT '[]', -- JSON: who has agreed so far
    done    INTEGER NOT NULL DEFAULT 0 -- Unix seconds since when it waits no more, 0 is not
) STRICT;

CREATE UNIQUE INDEX agreement_proposal_waiting ON agreement_proposal (name) WHERE done = 0;

-- By what partners are known. Of a key only its SHA-256 is kept.
CREATE TABLE partner_key (
    id      INTEGER PRIMARY KEY,
    name    TEXT    NOT NULL, -- of the partner
    digest  BLOB    NOT NULL UNIQUE,
    scope   TEXT    NOT NULL, -- read, or answer
    made    INTEGER NOT NULL, -- Unix seconds
    actor   TEXT    NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0 -- Unix seconds, 0 is not
) STRICT;

CREATE INDEX partner_key_by_name ON partner_key (name, id);
