-- Which pictures belong to which report. The pictures lie beside, in files named by their digest.
CREATE TABLE picture (
    seq      INTEGER PRIMARY KEY,
    report   BLOB    NOT NULL, -- id
    upload   BLOB    NOT NULL, -- SHA-256 of what was sent, so that the same picture sent again is known
    digest   BLOB    NOT NULL, -- SHA-256 of what is kept
    width    INTEGER NOT NULL,
    height   INTEGER NOT NULL,
    size     INTEGER NOT NULL, -- bytes
    received INTEGER NOT NULL, -- Unix seconds
    UNIQUE (report, upload)
) STRICT;

CREATE INDEX picture_by_digest ON picture (digest);
