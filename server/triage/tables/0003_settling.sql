-- A release is settled in the transaction that lets it out: nothing is kept until then of who has confirmed it, and of
-- what it says.
ALTER TABLE proposal DROP COLUMN confirmed;
ALTER TABLE proposal DROP COLUMN whole;
ALTER TABLE proposal DROP COLUMN rest;
