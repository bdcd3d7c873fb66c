-- How many reports a subject has of each day, for the chart of its case; see counts.go.
CREATE TABLE subject_day (
    subject INTEGER NOT NULL,
    day     INTEGER NOT NULL, -- since 1970, in UTC
    reports INTEGER NOT NULL,
    PRIMARY KEY (subject, day)
) STRICT, WITHOUT ROWID;
INSERT INTO subject_day SELECT subject, received / 86400, count(*) FROM members GROUP BY subject, received / 86400;

-- What somebody did, or what was done lately, is found without reading the whole log.
CREATE INDEX audit_by_time ON audit (time, seq);
CREATE INDEX audit_by_actor ON audit (actor, time, seq);

ALTER TABLE subjects ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0; -- that call an entry about it a mistake, and are not answered
UPDATE subjects SET unanswered = (SELECT count(*) FROM members WHERE subject = subjects.id AND kind = 'mistake' AND answered = 0);
