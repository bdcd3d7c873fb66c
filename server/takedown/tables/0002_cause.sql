-- Why a step was taken by itself: a word of package audit; empty where a person took it, and in steps from before that
-- was kept, whose why says it.
ALTER TABLE step ADD COLUMN cause TEXT NOT NULL DEFAULT '';
