-- What reports are about, one case for each thing, and all that was decided.
CREATE TABLE cases (
    id        INTEGER PRIMARY KEY, -- also its number
    subject   TEXT    NOT NULL, -- canonical; what the case is called
    platform  TEXT    NOT NULL, -- of the subject; empty for a website
    state     TEXT    NOT NULL CHECK (state IN ('open', 'asked', 'proposed', 'accepted', 'rejected', 'merged')),
    opened    INTEGER NOT NULL, -- Unix seconds of the first report
    latest    INTEGER NOT NULL, -- Unix seconds of the newest report
    changed   INTEGER NOT NULL, -- Unix seconds of the last decision, or opened
    reports   INTEGER NOT NULL, -- those that call it a scam
    appeals   INTEGER NOT NULL, -- those that call it a mistake, and are not answered
    sources   INTEGER NOT NULL, -- distinct places that reports came from
    category  TEXT    NOT NULL, -- slug that most reports name; empty if none does
    protected INTEGER NOT NULL, -- whether the publisher refuses to list the subject as it is
    score     REAL    NOT NULL, -- see Score
    into_case INTEGER REFERENCES cases (id), -- of a merged one
    burst     INTEGER NOT NULL, -- reports of the 24 hours before the newest, at most 10,000
    noted     INTEGER NOT NULL, -- reports with a note
    seen      INTEGER NOT NULL DEFAULT 0, -- Unix seconds when a person first opened it; 0 before
    subjects  INTEGER NOT NULL DEFAULT 0, -- how many it is about
    stale     INTEGER NOT NULL DEFAULT 1 CHECK (stale IN (0, 1)), -- 1: something was counted since the score was worked out
    rest      INTEGER NOT NULL DEFAULT 0, -- the case of the subjects that were left out when this one was accepted; 0: none was
    expired   INTEGER NOT NULL DEFAULT 0, -- Unix seconds when an open case left the queue unread, because one network alone spoke of it; 0 for the others
    appealed  INTEGER NOT NULL DEFAULT 0, -- Unix seconds of the oldest appeal without answer; 0 is none
    behind    INTEGER NOT NULL DEFAULT 0 CHECK (behind IN (0, 1)), -- whether all of its objections that wait do so behind others
    -- Of the decision in force; empty before one.
    action    TEXT    NOT NULL DEFAULT '' CHECK (action IN ('', 'list', 'withdraw', 'reject', 'ask')),
    lists     TEXT    NOT NULL DEFAULT '', -- JSON array: whose it is, what is listed or taken off the list, since when that was seen; empty where nothing is
    reason    TEXT    NOT NULL DEFAULT '{}', -- JSON: language to sentence
    lapses    INTEGER NOT NULL DEFAULT 0, -- Unix seconds; 0 is never
    ruled     REAL    NOT NULL DEFAULT 0, -- the score when it was decided
    decided   TEXT    NOT NULL DEFAULT '', -- who
    seconded  TEXT    NOT NULL DEFAULT '', -- who agreed, where two must
    settled   INTEGER NOT NULL DEFAULT 0 CHECK (settled IN (0, 1)), -- 1: in the ledger and told to who reported; it can't be undone
    published INTEGER NOT NULL DEFAULT 0, -- sequence of the release that has it; 0 before
    released  INTEGER NOT NULL DEFAULT 0, -- Unix seconds of the release that has it; 0 before
    earlier   TEXT    NOT NULL DEFAULT '', -- what stood before a decision that follows an objection, as JSON by column; empty where the case was not closed before
    undoing   TEXT    NOT NULL DEFAULT '', -- who wants to take a decision back that two people made; another one must agree; empty where nobody does
    wished    INTEGER NOT NULL DEFAULT 0 -- Unix seconds since when: it counts while they stand for it; 0 where nobody does, and from before that was kept
) STRICT;

CREATE INDEX cases_in_line ON cases (state, expired, score DESC, id);
CREATE INDEX cases_unpublished ON cases (id) WHERE published = 0 AND state IN ('accepted', 'rejected');
CREATE INDEX cases_appealed ON cases (behind, appealed, id) WHERE appeals > 0;
CREATE INDEX cases_stale ON cases (id) WHERE stale = 1;
CREATE INDEX cases_unread ON cases (latest) WHERE state = 'open' AND expired = 0 AND seen = 0;

-- A case may be about several subjects. Each keeps its own reports; which reports a case has follows from its subjects,
-- so that a subject goes from one case to another with all it has.
CREATE TABLE subjects (
    id       INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL UNIQUE, -- canonical; a report that names it belongs to it
    case_id  INTEGER NOT NULL REFERENCES cases (id),
    bound    TEXT    NOT NULL DEFAULT '' CHECK (bound IN ('', 'hand', 'apart')), -- what a person said: it belongs into this case; it is joined to nothing by itself
    joined   INTEGER NOT NULL DEFAULT 0, -- Unix seconds when where its links lead brought it into its case; 0: it was there from the start
    opened   INTEGER NOT NULL, -- Unix seconds of the first report
    latest   INTEGER NOT NULL, -- Unix seconds of the newest report
    reports  INTEGER NOT NULL DEFAULT 0, -- those that call it a scam
    sources  INTEGER NOT NULL DEFAULT 0, -- distinct places that these came from
    noted    INTEGER NOT NULL DEFAULT 0, -- those with a note or a picture
    targets  INTEGER NOT NULL DEFAULT 0, -- to which it is kept that it leads
    standing TEXT    NOT NULL DEFAULT '[]', -- what decisions about it have put on the list and no later one has taken off: a JSON array of names
    within   TEXT    NOT NULL DEFAULT '' -- a wider subject, where this one alone was decided about: what else is reported of the wider one does not belong to it
) STRICT;

CREATE INDEX subjects_by_case ON subjects (case_id);
CREATE INDEX subjects_within ON subjects (within) WHERE within <> '';

-- Which report belongs to which subject. Its words stay in the inbox. Of a case that was merged, the reports of before
-- are counted with the subject that it is called by.
CREATE TABLE members (
    report   INTEGER NOT NULL PRIMARY KEY, -- place in the inbox
    id       BLOB    NOT NULL,
    subject  INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    received INTEGER NOT NULL,
    source   BLOB    NOT NULL, -- a hash whose key is gone the next day
    category TEXT    NOT NULL,
    noted    INTEGER NOT NULL, -- whether it has a note or a picture
    answered INTEGER NOT NULL DEFAULT 0, -- seq of the answer to an appeal; 0 before
    behind   INTEGER NOT NULL DEFAULT 0 CHECK (behind IN (0, 1)) -- whether an objection waits behind all others
) STRICT;

CREATE INDEX members_by_time ON members (subject, kind, received);
CREATE INDEX members_by_id ON members (id);
CREATE INDEX members_unanswered ON members (subject, received) WHERE kind = 'mistake' AND answered = 0;

-- Reports with a picture; it may come before its report is gathered.
CREATE TABLE pictures (
    report BLOB NOT NULL PRIMARY KEY -- id
) STRICT, WITHOUT ROWID;

-- What was added to reports is gathered up to here. One row.
CREATE TABLE amended (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    n   INTEGER NOT NULL
) STRICT;

INSERT INTO amended (one, n) VALUES (1, 0);

-- What a network says of a subject on one day, however often it says so: see Score. The source is a hash whose key is
-- gone the next day.
CREATE TABLE voices (
    subject  INTEGER NOT NULL,
    source   BLOB    NOT NULL,
    day      INTEGER NOT NULL, -- since 1970, in UTC, of its first report
    latest   INTEGER NOT NULL, -- Unix seconds of its newest report
    category TEXT    NOT NULL, -- slug that it named last; empty if none
    noted    INTEGER NOT NULL, -- whether it sent a note or a picture
    weighs   INTEGER NOT NULL DEFAULT 1 CHECK (weighs IN (0, 1)),
    PRIMARY KEY (subject, source)
) STRICT, WITHOUT ROWID;

-- About so many subjects each network has spoken on its day; beyond a number of them what it says is kept and weighs
-- nothing: see Score.
CREATE TABLE speakers (
    source   BLOB    NOT NULL PRIMARY KEY,
    subjects INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How many objections a network has sent on its day. Those beyond a number of them wait behind all others.
CREATE TABLE objectors (
    source  BLOB    NOT NULL PRIMARY KEY,
    day     INTEGER NOT NULL, -- since 1970, in UTC
    appeals INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Where the links of reported pages lead: pages of one kit lead to the same place.
CREATE TABLE targets (
    id       INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL UNIQUE, -- canonical
    subjects INTEGER NOT NULL DEFAULT 0, -- that lead there
    silent   INTEGER NOT NULL DEFAULT 0 CHECK (silent IN (0, 1)), -- 1: so many lead there that it says nothing
    pending  INTEGER NOT NULL DEFAULT 0 CHECK (pending IN (0, 1)) -- 1: what it joins is to be worked out
) STRICT;

CREATE INDEX targets_pending ON targets (id) WHERE pending = 1;

CREATE TABLE ties (
    target  INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    senders INTEGER NOT NULL, -- distinct ones who say so, at most 8
    PRIMARY KEY (target, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX ties_by_subject ON ties (subject);

CREATE TABLE said (
    target  INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    source  BLOB    NOT NULL,
    PRIMARY KEY (target, subject, source)
) STRICT, WITHOUT ROWID;

-- What was answered to those who called an entry a mistake.
CREATE TABLE answer (
    seq      INTEGER PRIMARY KEY,
    case_id  INTEGER NOT NULL REFERENCES cases (id),
    time     INTEGER NOT NULL, -- Unix seconds
    actor    TEXT    NOT NULL,
    righted  INTEGER NOT NULL CHECK (righted IN (0, 1)), -- 1: they were right
    appeals  INTEGER NOT NULL, -- how many were answered with it
    reason   TEXT    NOT NULL  -- JSON: language to sentence; public
) STRICT;

CREATE INDEX answer_by_case ON answer (case_id, seq);

-- A release that one person has proposed, until two have confirmed it, it went out by itself, or somebody has stopped
-- it. At most one is open.
CREATE TABLE proposal (
    id        INTEGER PRIMARY KEY,
    actor     TEXT    NOT NULL,
    made      INTEGER NOT NULL, -- Unix seconds
    due       INTEGER NOT NULL, -- Unix seconds when it goes out by itself; 0: never
    digest    TEXT    NOT NULL, -- of what is confirmed, in hex
    seq       INTEGER NOT NULL, -- of the ledger's last decision that is in it
    cases     TEXT    NOT NULL, -- JSON: their numbers, and when each was decided
    anew      INTEGER NOT NULL, -- as khien publish --anew and --clock-is-right
    clock     INTEGER NOT NULL,
    changes   TEXT    NOT NULL, -- JSON: what it changes, for people
    state     TEXT    NOT NULL DEFAULT 'open',
    ended     INTEGER NOT NULL DEFAULT 0, -- Unix seconds
    ender     TEXT    NOT NULL DEFAULT '',
    why       TEXT    NOT NULL DEFAULT '',
    confirmed TEXT    NOT NULL DEFAULT '', -- who has confirmed it, before it goes out
    whole     TEXT    NOT NULL DEFAULT '', -- what its release says, by the digests of its head
    rest      TEXT    NOT NULL DEFAULT '', -- and what of it goes out by itself
    adopted   INTEGER NOT NULL DEFAULT 0 -- Unix seconds since when one of the command line is a member's own; 0 where it is not, and from before that was kept
) STRICT;

CREATE UNIQUE INDEX proposal_open ON proposal (state) WHERE state = 'open';

-- How many names of popular pages there were when two people last confirmed a release, and at most since: with fewer,
-- less takes two people.
CREATE TABLE protects (popular INTEGER NOT NULL) STRICT;
INSERT INTO protects (popular) VALUES (0);

-- Every act of a person, each with the hash of the one before: see audit.go. Only ever appended to.
CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY,
    time   INTEGER NOT NULL,
    actor  TEXT    NOT NULL,
    action TEXT    NOT NULL,
    object TEXT    NOT NULL,
    why    TEXT    NOT NULL,
    hash   BLOB    NOT NULL
) STRICT;

CREATE INDEX audit_by_object ON audit (object, seq);
