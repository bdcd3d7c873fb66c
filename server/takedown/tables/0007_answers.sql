-- Where and until when a platform shows it to nobody, where it said so: countries, with a blank between them, and Unix
-- seconds; 0 is without an end.
ALTER TABLE takedown ADD COLUMN territory TEXT NOT NULL DEFAULT '';
ALTER TABLE takedown ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
