-- Where a case stands in the queue: in which part, at which place of it, and whether somebody objects. It follows from
-- the other columns; counts.go brings it up to date in the transaction that changes them, and counts with it how many
-- cases each part has.
ALTER TABLE cases ADD COLUMN part     TEXT    NOT NULL DEFAULT ''; -- empty for what is in none
ALTER TABLE cases ADD COLUMN place    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN objected INTEGER NOT NULL DEFAULT 0;
CREATE TABLE case_count (
    part  TEXT    NOT NULL PRIMARY KEY,
    cases INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

DROP INDEX cases_in_line;
UPDATE cases SET
    part = CASE WHEN state = 'open' AND expired > 0 THEN 'left' WHEN state = 'open' AND reports = 0 AND appeals > 0 THEN ''
        WHEN state = 'open' AND protected = 1 THEN 'protected' WHEN state IN ('open', 'asked', 'proposed') THEN state WHEN state = 'merged' THEN ''
        WHEN settled = 1 THEN 'done' WHEN published = 0 THEN 'decided' ELSE '' END,
    place = CASE WHEN state = 'open' AND expired > 0 THEN -expired * 1000 - CAST(score AS INTEGER) WHEN state = 'open' THEN -CAST(score * 1000000 AS INTEGER)
        WHEN state = 'proposed' THEN changed ELSE -changed END,
    objected = CASE WHEN appeals > 0 THEN 1 ELSE 0 END;
INSERT INTO case_count SELECT part, count(*) FROM cases WHERE part <> '' GROUP BY part;
INSERT INTO case_count SELECT 'appealed', count(*) FROM cases WHERE objected = 1;
CREATE INDEX cases_in_part ON cases (part, place, id);
-- Which are not up to date: the term is that of counts.go, word for word.
CREATE INDEX cases_moved ON cases ((CASE WHEN part <> CASE WHEN state = 'open' AND expired > 0 THEN 'left' WHEN state = 'open' AND reports = 0 AND appeals > 0 THEN ''
        WHEN state = 'open' AND protected = 1 THEN 'protected' WHEN state IN ('open', 'asked', 'proposed') THEN state WHEN state = 'merged' THEN ''
        WHEN settled = 1 THEN 'done' WHEN published = 0 THEN 'decided' ELSE '' END
    OR place <> CASE WHEN state = 'open' AND expired > 0 THEN -expired * 1000 - CAST(score AS INTEGER) WHEN state = 'open' THEN -CAST(score * 1000000 AS INTEGER)
        WHEN state = 'proposed' THEN changed ELSE -changed END
    OR objected <> CASE WHEN appeals > 0 THEN 1 ELSE 0 END THEN 1 ELSE 0 END));
CREATE INDEX cases_by_two ON cases (id) WHERE seconded <> '';
CREATE INDEX cases_earlier ON cases (id) WHERE earlier <> '';
CREATE INDEX cases_published ON cases (published, id);
