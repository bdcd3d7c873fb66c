-- The last of the ledger's decisions of which it was seen whether it took off the list what the source still names.
ALTER TABLE source ADD COLUMN heard INTEGER NOT NULL DEFAULT 0;
