-- What links on the page lead to, canonical, one a line.
ALTER TABLE report ADD COLUMN links TEXT NOT NULL DEFAULT '';

-- A category or a note that came after the report. Only ever appended to.
CREATE TABLE amendment (
    n      INTEGER PRIMARY KEY,
    report INTEGER NOT NULL -- its place
) STRICT;
