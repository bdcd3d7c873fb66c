-- What a network says of a subject on one day, however often it says so: see Score. The source is a hash whose key is
-- gone the next day.
CREATE TABLE voices (
    subject  INTEGER NOT NULL,
    source   BLOB    NOT NULL,
    day      INTEGER NOT NULL, -- since 1970, in UTC, of its first report
    latest   INTEGER NOT NULL, -- Unix seconds of its newest report
    category TEXT    NOT NULL, -- slug that it named last; empty if none
    noted    INTEGER NOT NULL, -- whether it sent a note or a picture
    PRIMARY KEY (subject, source)
) STRICT, WITHOUT ROWID;

INSERT INTO voices SELECT subject, source, min(received) / 86400, max(received),
    substr(max(iif(category = '', '', printf('%020d', report) || category)), 21), max(noted)
    FROM members WHERE kind = 'scam' GROUP BY subject, source;
DROP TABLE sources;
DROP TABLE kinds;
UPDATE cases SET stale = 1;

-- Unix seconds when an open case left the queue unread, because one network alone spoke of it; 0 for the others.
ALTER TABLE cases ADD COLUMN expired INTEGER NOT NULL DEFAULT 0;
CREATE INDEX cases_unread ON cases (latest) WHERE state = 'open' AND expired = 0 AND seen = 0;
DROP INDEX cases_in_line;
CREATE INDEX cases_in_line ON cases (state, expired, score DESC, id);
