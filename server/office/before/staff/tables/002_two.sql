-- What one person may not do alone, and whose word counts.
ALTER TABLE person ADD COLUMN counts INTEGER NOT NULL DEFAULT 0; -- Unix seconds from which the person's word counts; 0: has never made a passkey
ALTER TABLE person ADD COLUMN term INTEGER NOT NULL DEFAULT 1; -- goes up with each change of what the person is here: sessions and proposals are of one
ALTER TABLE person ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0; -- Unix seconds; 0: is not
ALTER TABLE person ADD COLUMN invented INTEGER NOT NULL DEFAULT 0 CHECK (invented IN (0, 1)); -- 1: of an invented installation, where nobody waits
UPDATE person SET counts = made WHERE left > 0 OR EXISTS (SELECT 1 FROM passkey WHERE passkey.handle = person.handle);

-- What one person wants to be done about another, until a second one confirms it.
CREATE TABLE proposal (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT    NOT NULL UNIQUE, -- whom it is about
    term    INTEGER NOT NULL, -- of that person; 0: there is none of the name
    role    TEXT    NOT NULL,
    by      BLOB    REFERENCES person (handle), -- NULL: the command line, where nobody can confirm
    by_term INTEGER NOT NULL,
    by_name TEXT    NOT NULL,
    made    INTEGER NOT NULL,
    due     INTEGER NOT NULL DEFAULT 0 -- Unix seconds from which the command line may do it alone, unless somebody stops it
) STRICT;
