-- Advice cards. The newest version of each; who changed it when is in the audit log.
CREATE TABLE card (
    id      TEXT    NOT NULL PRIMARY KEY,
    state   TEXT    NOT NULL, -- draft, published, withdrawn
    body    TEXT    NOT NULL, -- JSON of guide.Card, without the picture
    picture BLOB    NOT NULL, -- PNG or JPEG as it is published; empty for none
    actor   TEXT    NOT NULL,
    changed INTEGER NOT NULL -- Unix seconds
) STRICT;
