-- What left in releases, one row for each thing that ever was in one: it stands where it was last changed. Positions
-- and times only rise, so that whoever has read up to one misses nothing that comes later.
CREATE TABLE stream (
    position   INTEGER NOT NULL PRIMARY KEY,
    added      INTEGER NOT NULL UNIQUE, -- Unix milliseconds when it could be read; of many at once, one after another
    made       INTEGER NOT NULL, -- Unix milliseconds when it could be read first
    subject    TEXT    NOT NULL UNIQUE, -- canonical
    name       TEXT    NOT NULL, -- UUID by which others know it
    address    TEXT    NOT NULL, -- at which it was first seen; empty where the subject says as much
    category   INTEGER NOT NULL, -- code of the taxonomy
    source     TEXT    NOT NULL,
    said_by    TEXT    NOT NULL, -- the sources whose claims stood, by what the public reads
    origins    TEXT    NOT NULL, -- JSON: the names of the sources through whose claims alone it stands; empty where a person listed it
    reference  TEXT    NOT NULL, -- case number
    reason     TEXT    NOT NULL, -- JSON: language to sentence
    first_seen INTEGER NOT NULL, -- Unix seconds
    lapses     INTEGER NOT NULL, -- Unix seconds, 0 is never
    withdrawn  INTEGER NOT NULL, -- Unix seconds, 0 is listed
    tlp        TEXT    NOT NULL
) STRICT;

CREATE UNIQUE INDEX stream_by_name ON stream (name);
CREATE INDEX stream_by_made ON stream (made);

-- How far it was brought: the last decision of the ledger whose outcome stands in it, and the last position and time
-- that were given.
CREATE TABLE streamed (decided INTEGER NOT NULL, position INTEGER NOT NULL, added INTEGER NOT NULL) STRICT;
INSERT INTO streamed (decided, position, added) VALUES (0, 0, 0);
