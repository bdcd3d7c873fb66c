-- For which subject of a case a decision has listed it; 0 where it came in another way. Subjects go from case to case,
-- and what stands on the list with them: which case it is follows from the subject (package triage).
ALTER TABLE indicator ADD COLUMN case_subject INTEGER NOT NULL DEFAULT 0;
CREATE INDEX indicator_by_case ON indicator (case_subject) WHERE case_subject > 0;

-- The last decision that a release has. Of releases from before that was kept nobody knows more than that they have
-- what was decided until now.
ALTER TABLE release ADD COLUMN decided INTEGER NOT NULL DEFAULT 0;
UPDATE release SET decided = (SELECT coalesce(max(seq), 0) FROM decision);
