-- How many reports came on each day of the maintainers, of each kind and category, and about what sort of thing; see
-- counts.go.
CREATE TABLE report_count (
    day      INTEGER NOT NULL, -- since 1970, in Vietnam
    kind     TEXT    NOT NULL,
    category TEXT    NOT NULL,
    reports  INTEGER NOT NULL,
    PRIMARY KEY (day, kind, category)
) STRICT, WITHOUT ROWID;
INSERT INTO report_count SELECT (received + 25200) / 86400, kind, category, count(*) FROM members GROUP BY (received + 25200) / 86400, kind, category;

CREATE TABLE sort_count (
    sort    TEXT    NOT NULL PRIMARY KEY,
    reports INTEGER NOT NULL -- that call something of it a scam
) STRICT, WITHOUT ROWID;
ALTER TABLE subjects ADD COLUMN counted INTEGER NOT NULL DEFAULT 0; -- of its reports, those that sort_count has
CREATE INDEX subjects_uncounted ON subjects ((CASE WHEN counted <> reports THEN 1 ELSE 0 END));
CREATE INDEX answer_by_right ON answer (righted, appeals);
