-- When who must act next has to, in Unix seconds; where nobody must, the end of time. SQLite reads from a place on in
-- an index over columns alone.
ALTER TABLE takedown ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
UPDATE takedown SET place = CASE WHEN due = 0 THEN 9000000000000000000 ELSE due END;
DROP INDEX takedown_in_line;
DROP INDEX takedown_in_line_of_platform;
DROP INDEX takedown_in_line_of_state;
DROP INDEX takedown_in_line_of_both;
DROP INDEX takedown_due;
DROP INDEX takedown_by_due;
CREATE INDEX takedown_in_line ON takedown (place, id);
CREATE INDEX takedown_in_line_of_platform ON takedown (platform, place, id);
CREATE INDEX takedown_in_line_of_state ON takedown (state, place, id);
CREATE INDEX takedown_in_line_of_both ON takedown (platform, state, place, id);
