-- An entry of the audit log is an act: a verb, an object and arguments; see package audit. What was said before there
-- were verbs stays as it is.
ALTER TABLE audit RENAME COLUMN action TO args;
ALTER TABLE audit ADD COLUMN verb TEXT NOT NULL DEFAULT 'said';
