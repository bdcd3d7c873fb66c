-- The address at which it was first seen, where the subject does not say as much: with scheme, port and escapes.
ALTER TABLE indicator ADD COLUMN address TEXT NOT NULL DEFAULT '';
