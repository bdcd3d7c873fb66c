-- Whom others' lists come from.
CREATE TABLE source (
    id       INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL UNIQUE,
    config   TEXT    NOT NULL, -- JSON: what a person has set
    secret   BLOB    NOT NULL DEFAULT x'', -- credentials, encrypted; empty for none
    added    INTEGER NOT NULL, -- Unix seconds
    paused   INTEGER NOT NULL DEFAULT 0, -- Unix seconds, 0 is not
    removed  INTEGER NOT NULL DEFAULT 0, -- Unix seconds, 0 is not
    unsettled INTEGER NOT NULL DEFAULT 0, -- changes of it of which what follows is not in the ledger yet
    tag      TEXT    NOT NULL DEFAULT '', -- ETag of the last list that was taken
    modified TEXT    NOT NULL DEFAULT '', -- its Last-Modified
    pin      TEXT    NOT NULL DEFAULT '', -- SHA-256 of the public key of the server that it came from, in hex
    cursor   TEXT    NOT NULL DEFAULT '', -- how far a source with pages was read
    digest   TEXT    NOT NULL DEFAULT '', -- SHA-256 of it and of how it was read, in hex
    base     INTEGER NOT NULL DEFAULT 0, -- the run that was taken last; 0 is none
    taken    INTEGER NOT NULL DEFAULT 0, -- Unix seconds when a list was last compared with the claims, line by line
    news     INTEGER NOT NULL DEFAULT 0, -- Unix seconds when it last had something new
    tried    INTEGER NOT NULL DEFAULT 0, -- Unix seconds of the last attempt
    wait     INTEGER NOT NULL DEFAULT 0, -- seconds from there to the next
    failures INTEGER NOT NULL DEFAULT 0, -- attempts that have failed since the last that did not
    trouble  TEXT    NOT NULL DEFAULT '', -- why the last has; empty where it has not
    holder   TEXT    NOT NULL DEFAULT '', -- who is at it; empty for nobody
    held     INTEGER NOT NULL DEFAULT 0 -- Unix seconds when that was last heard of
) STRICT;

-- What a source says about one thing. What it says no more stays a while, with the time since when.
CREATE TABLE claim (
    source    INTEGER NOT NULL REFERENCES source (id),
    subject   TEXT    NOT NULL, -- canonical
    id        TEXT    NOT NULL, -- by which the source knows it; may be empty
    address   TEXT    NOT NULL, -- as the source wrote it, where the subject does not say as much
    first     INTEGER NOT NULL, -- Unix seconds since when the source has it; 0 where it does not say
    last      INTEGER NOT NULL, -- Unix seconds when the source saw it last; 0 where it does not say
    came      INTEGER NOT NULL, -- Unix seconds when it first came to us
    gone      INTEGER NOT NULL, -- Unix seconds since when it is not said any more; 0: it stands
    lapses    INTEGER NOT NULL, -- Unix seconds until when it stands if nothing more is heard
    turns     INTEGER NOT NULL, -- how often it came back after it had gone
    weight    INTEGER NOT NULL, -- what the source wants: 0 lists, 1 context, 2 disputes, 3 suspects
    hacked    INTEGER NOT NULL, -- whether it is an honest site on which others have put something
    sure      INTEGER NOT NULL, -- percent; 0 where the source does not say
    tlp       TEXT    NOT NULL,
    category  INTEGER NOT NULL, -- code of the taxonomy
    reference TEXT    NOT NULL, -- page of the source about it; may be empty
    said      TEXT    NOT NULL, -- the source's own words; may be empty
    print     INTEGER NOT NULL, -- a hash of all that the source says about it
    PRIMARY KEY (source, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX claim_by_subject ON claim (subject, source);

-- Each time that a list was fetched and was another than before.
CREATE TABLE run (
    id      INTEGER PRIMARY KEY,
    source  INTEGER NOT NULL REFERENCES source (id),
    begun   INTEGER NOT NULL, -- Unix seconds
    ended   INTEGER NOT NULL DEFAULT 0, -- Unix seconds, 0 before
    state   TEXT    NOT NULL CHECK (state IN ('running', 'waiting', 'applying', 'accepted', 'dropped', 'failed')),
    actor   TEXT    NOT NULL, -- who began it, or who decided about it
    config  TEXT    NOT NULL, -- of the source when it was read
    base    INTEGER NOT NULL, -- the run that it is compared with; 0 is none
    file    TEXT    NOT NULL DEFAULT '', -- SHA-256 of what was fetched, in hex, by which the file is called
    fetched TEXT    NOT NULL DEFAULT '{}', -- JSON: what the server said about it
    numbers TEXT    NOT NULL DEFAULT '{}', -- JSON: what is new, what is gone
    why     TEXT    NOT NULL DEFAULT '[]', -- JSON: why it waits
    trouble TEXT    NOT NULL DEFAULT ''  -- why it failed
) STRICT;

CREATE INDEX run_by_source ON run (source, id);
