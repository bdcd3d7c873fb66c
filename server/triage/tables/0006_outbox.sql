-- What those who reported are still to be told, in order: written with the decision, and gone once the inbox has it.
CREATE TABLE outbox (
    seq    INTEGER PRIMARY KEY,
    letter TEXT    NOT NULL -- JSON
) STRICT;
