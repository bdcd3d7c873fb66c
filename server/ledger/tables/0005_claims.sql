-- Which sources say so, whose claims stand (package exchange), and whether it stands through them alone: then it leaves
-- with the last of them, while what a person has listed stays.
ALTER TABLE indicator ADD COLUMN said_by TEXT NOT NULL DEFAULT '';
ALTER TABLE indicator ADD COLUMN claimed INTEGER NOT NULL DEFAULT 0;

-- Which sources say so of what was never on the list: whoever lists it finds them here.
CREATE TABLE said_by (
    subject TEXT NOT NULL PRIMARY KEY, -- canonical
    names   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
