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

ALTER TABLE members ADD COLUMN answered INTEGER NOT NULL DEFAULT 0; -- seq of the answer to an appeal; 0 before
ALTER TABLE cases ADD COLUMN appealed INTEGER NOT NULL DEFAULT 0; -- Unix seconds of the oldest appeal without answer; 0 is none
UPDATE cases SET appealed = coalesce((SELECT min(received) FROM members WHERE case_id = cases.id AND kind = 'mistake'), latest) WHERE appeals > 0;

DROP INDEX cases_appealed;
CREATE INDEX cases_appealed ON cases (appealed) WHERE appeals > 0;
CREATE INDEX members_unanswered ON members (case_id, received) WHERE kind = 'mistake' AND answered = 0;
