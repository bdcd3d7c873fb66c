-- The term is that of counts.go, word for word, for both engines: what PostgreSQL calls INTEGER is half as wide as
-- here, and an index over another term serves no question.
DROP INDEX cases_moved;
CREATE INDEX cases_moved ON cases ((CASE WHEN part <> CASE WHEN state = 'open' AND expired > 0 THEN 'left' WHEN state = 'open' AND reports = 0 AND named = 0 AND appeals > 0 THEN ''
        WHEN state = 'open' AND protected = 1 THEN 'protected' WHEN state IN ('open', 'asked', 'proposed') THEN state WHEN state = 'merged' THEN ''
        WHEN settled = 1 THEN 'done' WHEN published = 0 THEN 'decided' ELSE '' END
    OR place <> CASE WHEN state = 'open' AND expired > 0 THEN -expired * 1000 - CAST(score AS BIGINT) WHEN state = 'open' THEN -CAST(score * 1000000 AS BIGINT)
        WHEN state = 'proposed' THEN changed ELSE -changed END
    OR objected <> CASE WHEN appeals > 0 THEN 1 ELSE 0 END
    OR sourced <> CASE WHEN state = 'open' AND expired = 0 AND named > 0 THEN 1 ELSE 0 END THEN 1 ELSE 0 END));
