-- Who has confirmed a proposal, before it goes out; and what its release says, all of it and what goes out by itself,
-- by the digests of its head.
ALTER TABLE proposal ADD COLUMN confirmed TEXT NOT NULL DEFAULT '';
ALTER TABLE proposal ADD COLUMN whole     TEXT NOT NULL DEFAULT '';
ALTER TABLE proposal ADD COLUMN rest      TEXT NOT NULL DEFAULT '';
