-- SQLite reads from a place on in an index over columns alone.
DROP INDEX person_in_line;
CREATE INDEX person_by_name ON person (gone, name);
