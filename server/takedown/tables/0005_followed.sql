-- Up to which decision of the ledger, and which report in a case, the cases have followed.
DROP TABLE followed;
CREATE TABLE followed (decided INTEGER NOT NULL, report INTEGER NOT NULL) STRICT;
INSERT INTO followed (decided, report) VALUES (0, 0);
-- Category and case number are those of the entry on the list.
ALTER TABLE takedown DROP COLUMN category;
ALTER TABLE takedown DROP COLUMN reference;
