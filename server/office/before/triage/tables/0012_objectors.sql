-- How many objections a network has sent on its day. Those beyond a number of them wait behind all others.
CREATE TABLE objectors (
    source  BLOB    NOT NULL PRIMARY KEY,
    day     INTEGER NOT NULL, -- since 1970, in UTC
    appeals INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE members ADD COLUMN behind INTEGER NOT NULL DEFAULT 0 CHECK (behind IN (0, 1));
ALTER TABLE cases ADD COLUMN behind INTEGER NOT NULL DEFAULT 0 CHECK (behind IN (0, 1)); -- whether all of its objections that wait do so behind others
DROP INDEX cases_appealed;
CREATE INDEX cases_appealed ON cases (behind, appealed, id) WHERE appeals > 0;
