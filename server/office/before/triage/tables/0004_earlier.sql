-- What stood before a decision that follows an objection, as JSON by column; empty where the case was not closed
-- before.
ALTER TABLE cases ADD COLUMN earlier TEXT NOT NULL DEFAULT '';
