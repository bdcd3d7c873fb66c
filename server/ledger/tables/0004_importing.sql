-- The imports of which a part is on the list and the rest is not yet: until it is, nothing is released.
CREATE TABLE importing (
    digest TEXT    NOT NULL PRIMARY KEY, -- of what is imported: the same list goes on where it was
    actor  TEXT    NOT NULL,
    begun  INTEGER NOT NULL -- Unix seconds
) STRICT, WITHOUT ROWID;
