-- What those who reported are to be told. The inbox is another database: it hears of it when that is committed, and out.
CREATE TABLE outbox (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    letter TEXT    NOT NULL -- JSON: whom, and what
) STRICT;
