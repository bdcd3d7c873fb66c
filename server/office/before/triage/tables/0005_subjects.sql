-- A case may be about several subjects. Each keeps its own reports; which reports a case has follows from its subjects,
-- so that a subject goes from one case to another with all it has.
CREATE TABLE subjects (
    id      INTEGER PRIMARY KEY,
    name    TEXT    NOT NULL UNIQUE, -- canonical; a report that names it belongs to it
    case_id INTEGER NOT NULL REFERENCES cases (id),
    bound   TEXT    NOT NULL DEFAULT '' CHECK (bound IN ('', 'hand', 'apart')), -- what a person said: it belongs into this case; it is joined to nothing by itself
    joined  INTEGER NOT NULL DEFAULT 0, -- Unix seconds when where its links lead brought it into its case; 0: it was there from the start
    opened  INTEGER NOT NULL, -- Unix seconds of the first report
    latest  INTEGER NOT NULL, -- Unix seconds of the newest report
    reports INTEGER NOT NULL DEFAULT 0, -- those that call it a scam
    sources INTEGER NOT NULL DEFAULT 0, -- distinct places that these came from
    noted   INTEGER NOT NULL DEFAULT 0, -- those with a note or a picture
    targets INTEGER NOT NULL DEFAULT 0  -- to which it is kept that it leads
) STRICT;

INSERT INTO subjects (name, case_id, bound, opened, latest)
    SELECT name, case_id, CASE WHEN count(*) OVER (PARTITION BY case_id) > 1 THEN 'hand' ELSE '' END, opened, latest
    FROM names JOIN cases ON cases.id = case_id ORDER BY case_id, name;
UPDATE subjects SET bound = 'apart' WHERE bound = ''
    AND case_id IN (SELECT CAST(substr(action, 16) AS INTEGER) FROM audit WHERE action LIKE 'split off case %');
CREATE INDEX subjects_by_case ON subjects (case_id);

-- Of a case that was merged, the reports of before are counted with the subject that it is called by.
CREATE TABLE reported (
    report   INTEGER NOT NULL PRIMARY KEY, -- place in the inbox
    id       BLOB    NOT NULL,
    subject  INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    received INTEGER NOT NULL,
    source   BLOB    NOT NULL, -- a hash whose key is gone the next day
    category TEXT    NOT NULL,
    noted    INTEGER NOT NULL, -- whether it has a note or a picture
    answered INTEGER NOT NULL DEFAULT 0 -- seq of the answer to an appeal; 0 before
) STRICT;

INSERT INTO reported SELECT report, members.id, coalesce(
        (SELECT s.id FROM subjects s WHERE s.case_id = members.case_id AND s.name = cases.subject),
        (SELECT min(s.id) FROM subjects s WHERE s.case_id = members.case_id),
        (SELECT s.id FROM subjects s WHERE s.name = cases.subject)),
        kind, received, source, members.category, members.noted, answered
    FROM members JOIN cases ON cases.id = members.case_id ORDER BY report;

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

INSERT INTO targets (name, pending) SELECT DISTINCT target, 1 FROM leads ORDER BY target;
INSERT INTO said SELECT target, subject, source FROM (
    SELECT target, subject, source, row_number() OVER (PARTITION BY target, subject) AS n FROM (
        SELECT DISTINCT targets.id AS target, subject, source FROM leads JOIN reported USING (report) JOIN targets ON targets.name = leads.target))
    WHERE n <= 8;
INSERT INTO ties SELECT target, subject, count(*) FROM said GROUP BY target, subject;
UPDATE targets SET subjects = (SELECT count(*) FROM ties WHERE target = targets.id);
UPDATE subjects SET targets = (SELECT count(*) FROM ties WHERE subject = subjects.id);

DROP TABLE leads;
DROP TABLE members;
DROP TABLE names;
DROP TABLE sources;
DROP TABLE kinds;
ALTER TABLE reported RENAME TO members;
CREATE INDEX members_by_time ON members (subject, kind, received);
CREATE INDEX members_by_id ON members (id);
CREATE INDEX members_unanswered ON members (subject, received) WHERE kind = 'mistake' AND answered = 0;

CREATE TABLE sources (
    subject INTEGER NOT NULL,
    source  BLOB    NOT NULL,
    PRIMARY KEY (subject, source)
) STRICT, WITHOUT ROWID;

INSERT INTO sources SELECT DISTINCT subject, source FROM members WHERE kind = 'scam';

CREATE TABLE kinds (
    subject  INTEGER NOT NULL,
    category TEXT    NOT NULL,
    reports  INTEGER NOT NULL,
    PRIMARY KEY (subject, category)
) STRICT, WITHOUT ROWID;

INSERT INTO kinds SELECT subject, category, count(*) FROM members WHERE kind = 'scam' AND category <> '' GROUP BY subject, category;
UPDATE subjects SET (reports, noted) = (SELECT count(*), coalesce(sum(noted), 0) FROM members WHERE subject = subjects.id AND kind = 'scam'),
    sources = (SELECT count(*) FROM sources WHERE subject = subjects.id),
    opened = coalesce((SELECT min(received) FROM members WHERE subject = subjects.id), opened),
    latest = coalesce((SELECT max(received) FROM members WHERE subject = subjects.id), latest);

ALTER TABLE cases ADD COLUMN subjects INTEGER NOT NULL DEFAULT 0; -- how many it is about
ALTER TABLE cases ADD COLUMN stale INTEGER NOT NULL DEFAULT 1 CHECK (stale IN (0, 1)); -- 1: something was counted since the score was worked out
ALTER TABLE cases ADD COLUMN rest INTEGER NOT NULL DEFAULT 0; -- the case of the subjects that were left out when this one was accepted; 0: none was
CREATE INDEX cases_stale ON cases (id) WHERE stale = 1;

-- What a decision lists is a JSON array now: whose it is, what is listed, since when that was seen. Empty where nothing
-- is.
UPDATE cases SET lists = json_array(json_object('of', subject, 'lists', lists, 'seen', opened)) WHERE lists <> '';
UPDATE cases SET earlier = json_set(earlier, '$.lists', json_array(json_object('of', subject, 'lists', earlier ->> 'lists', 'seen', opened)) || '')
    WHERE earlier <> '' AND earlier ->> 'lists' <> '';
