-- Who wants to take a decision back that two people made; another one must agree. Empty where nobody does.
ALTER TABLE cases ADD COLUMN undoing TEXT NOT NULL DEFAULT '';
