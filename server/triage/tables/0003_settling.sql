-- The ledger keeps what is to be settled of a release that is out: what its proposal says, and who has confirmed that, is kept there.
ALTER TABLE proposal DROP COLUMN confirmed;
ALTER TABLE proposal DROP COLUMN whole;
ALTER TABLE proposal DROP COLUMN rest;
