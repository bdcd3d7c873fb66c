-- What was signed, once all that it names was on the disk: empty for a number that was given to a release which a crash
-- prevented.
ALTER TABLE release ADD COLUMN head TEXT NOT NULL DEFAULT '';
ALTER TABLE release ADD COLUMN keys TEXT NOT NULL DEFAULT ''; -- the list of keys that names the signer

-- Published files whose digest nothing that is signed names: deltas, and the steps that they are made of.
CREATE TABLE file (
    name   TEXT NOT NULL PRIMARY KEY, -- below published/
    digest TEXT NOT NULL -- SHA-256, in hex
) STRICT, WITHOUT ROWID;
