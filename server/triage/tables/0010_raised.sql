-- What sources say of a subject, for which people are asked though nobody has reported it; see raise.go.
CREATE TABLE raised (
    subject  INTEGER NOT NULL,
    against  INTEGER NOT NULL CHECK (against IN (0, 1)), -- 1: they say that it is no scam
    kind     TEXT    NOT NULL CHECK (kind IN ('candidate', 'again', 'disputed')),
    sources  TEXT    NOT NULL, -- JSON array: the names of all that have ever said so
    named    INTEGER NOT NULL, -- how many these are
    category TEXT    NOT NULL, -- slug that they call it; empty if none does
    address  TEXT    NOT NULL, -- at which they saw it; empty where the subject says as much
    begun    INTEGER NOT NULL, -- Unix seconds when people were first asked
    asked    INTEGER NOT NULL, -- Unix seconds when they were last asked
    waits    INTEGER NOT NULL CHECK (waits IN (0, 1)), -- 1: it is disputed, and nobody has answered
    PRIMARY KEY (subject, against)
) STRICT, WITHOUT ROWID;

ALTER TABLE cases ADD COLUMN named   INTEGER NOT NULL DEFAULT 0; -- sources that call something of it a scam: of several subjects, of that which most name
ALTER TABLE cases ADD COLUMN sourced INTEGER NOT NULL DEFAULT 0; -- 1: it is open, and sources name it

-- The term is that of counts.go, word for word.
DROP INDEX cases_moved;
CREATE INDEX cases_moved ON cases ((CASE WHEN part <> CASE WHEN state = 'open' AND expired > 0 THEN 'left' WHEN state = 'open' AND reports = 0 AND named = 0 AND appeals > 0 THEN ''
        WHEN state = 'open' AND protected = 1 THEN 'protected' WHEN state IN ('open', 'asked', 'proposed') THEN state WHEN state = 'merged' THEN ''
        WHEN settled = 1 THEN 'done' WHEN published = 0 THEN 'decided' ELSE '' END
    OR place <> CASE WHEN state = 'open' AND expired > 0 THEN -expired * 1000 - CAST(score AS INTEGER) WHEN state = 'open' THEN -CAST(score * 1000000 AS INTEGER)
        WHEN state = 'proposed' THEN changed ELSE -changed END
    OR objected <> CASE WHEN appeals > 0 THEN 1 ELSE 0 END
    OR sourced <> CASE WHEN state = 'open' AND expired = 0 AND named > 0 THEN 1 ELSE 0 END THEN 1 ELSE 0 END));
CREATE INDEX cases_sourced ON cases (place, id) WHERE sourced = 1;
