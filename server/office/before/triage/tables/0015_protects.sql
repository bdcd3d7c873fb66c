-- How many names of popular pages there were when two people last confirmed a release, and at most since: with fewer,
-- less takes two people.
CREATE TABLE protects (popular INTEGER NOT NULL) STRICT;
INSERT INTO protects VALUES (0);
