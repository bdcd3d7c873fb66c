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
    -- Of the decision in force; empty before one.
    action    TEXT    NOT NULL DEFAULT '' CHECK (action IN ('', 'list', 'withdraw', 'reject', 'ask')),
    lists     TEXT    NOT NULL DEFAULT '', -- the subject that is listed, or taken off the list
    reason    TEXT    NOT NULL DEFAULT '{}', -- JSON: language to sentence
    lapses    INTEGER NOT NULL DEFAULT 0, -- Unix seconds; 0 is never
    ruled     REAL    NOT NULL DEFAULT 0, -- the score when it was decided
    decided   TEXT    NOT NULL DEFAULT '', -- who
    seconded  TEXT    NOT NULL DEFAULT '', -- who agreed, where two must
    settled   INTEGER NOT NULL DEFAULT 0 CHECK (settled IN (0, 1)), -- 1: in the ledger and told to who reported; it can't be undone
    published INTEGER NOT NULL DEFAULT 0 -- sequence of the release that has it; 0 before
) STRICT;

CREATE INDEX cases_in_line ON cases (state, score DESC, id);
CREATE INDEX cases_unpublished ON cases (id) WHERE published = 0 AND state IN ('accepted', 'rejected');
CREATE INDEX cases_appealed ON cases (latest) WHERE appeals > 0;

-- What a case is about, by every name that reports gave it: a report that names one of them belongs to it.
CREATE TABLE names (
    name    TEXT    NOT NULL PRIMARY KEY,
    case_id INTEGER NOT NULL REFERENCES cases (id)
) STRICT, WITHOUT ROWID;

CREATE INDEX names_by_case ON names (case_id);

-- Which report belongs to which case. Its words stay in the inbox.
CREATE TABLE members (
    report   INTEGER NOT NULL PRIMARY KEY, -- place in the inbox
    id       BLOB    NOT NULL,
    case_id  INTEGER NOT NULL REFERENCES cases (id),
    kind     TEXT    NOT NULL,
    received INTEGER NOT NULL,
    source   BLOB    NOT NULL, -- a hash whose key is gone the next day
    category TEXT    NOT NULL,
    noted    INTEGER NOT NULL -- whether it has a note
) STRICT;

CREATE INDEX members_by_case ON members (case_id, report);
CREATE INDEX members_by_time ON members (case_id, received);
CREATE INDEX members_by_id ON members (id);

-- What is counted of the reports of a case, so that a flood of them costs no more than they are.
CREATE TABLE sources (
    case_id INTEGER NOT NULL REFERENCES cases (id),
    source  BLOB    NOT NULL,
    PRIMARY KEY (case_id, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE kinds (
    case_id  INTEGER NOT NULL REFERENCES cases (id),
    category TEXT    NOT NULL,
    reports  INTEGER NOT NULL,
    PRIMARY KEY (case_id, category)
) STRICT, WITHOUT ROWID;

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
