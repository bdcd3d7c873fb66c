-- About so many subjects each network has spoken on its day; beyond a number of them what it says is kept and weighs
-- nothing: see Score.
CREATE TABLE speakers (
    source   BLOB    NOT NULL PRIMARY KEY,
    subjects INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO speakers SELECT source, count(*) FROM voices GROUP BY source;
ALTER TABLE voices ADD COLUMN weighs INTEGER NOT NULL DEFAULT 1 CHECK (weighs IN (0, 1));
