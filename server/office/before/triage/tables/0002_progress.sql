-- How far a case has come, for those who wait for it.
ALTER TABLE cases ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;     -- Unix seconds when a person first opened it; 0 before
ALTER TABLE cases ADD COLUMN released INTEGER NOT NULL DEFAULT 0; -- Unix seconds of the release that has it; 0 before

-- Where links on reported pages lead: pages of one kit lead to the same place.
CREATE TABLE leads (
    report INTEGER NOT NULL, -- place in the inbox
    target TEXT    NOT NULL, -- canonical
    PRIMARY KEY (report, target)
) STRICT, WITHOUT ROWID;

CREATE INDEX leads_by_target ON leads (target, report);

-- Reports with a picture; it may come before its report is gathered.
CREATE TABLE pictures (
    report BLOB NOT NULL PRIMARY KEY -- id
) STRICT, WITHOUT ROWID;

-- What was added to reports is gathered up to here.
CREATE TABLE amended (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    n    INTEGER NOT NULL
) STRICT;

INSERT INTO amended VALUES (1, 0);
