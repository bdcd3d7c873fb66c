-- What stands on the list for a subject, the list says: its entries name the subject.
CREATE TABLE stands (
    subject TEXT    NOT NULL PRIMARY KEY,
    id      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO stands SELECT value, coalesce(max(CASE WHEN name = value THEN subjects.id END), max(subjects.id)) FROM subjects, json_each(standing) WHERE standing <> '[]' GROUP BY value;
UPDATE indicator SET case_subject = (SELECT id FROM stands WHERE stands.subject = indicator.subject)
    WHERE subject IN (SELECT subject FROM stands) AND withdrawn = 0 AND source = 'report';
DROP TABLE stands;
ALTER TABLE subjects DROP COLUMN standing;
