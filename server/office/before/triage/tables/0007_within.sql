-- A subject below another one, about which alone was decided: a report that names it belongs to it, and what else is
-- reported of the wider one does not. Empty for all others.
ALTER TABLE subjects ADD COLUMN within TEXT NOT NULL DEFAULT '';
CREATE INDEX subjects_within ON subjects (within) WHERE within <> '';
