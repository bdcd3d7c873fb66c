-- When a case was released, its release says.
ALTER TABLE cases DROP COLUMN released;
