-- How many people a release takes. One row.
CREATE TABLE register (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    alone INTEGER NOT NULL, -- one person runs all of this, and says so
    delay INTEGER NOT NULL, -- seconds in which another member can stop a release that one person has proposed
    next  INTEGER NOT NULL DEFAULT 0, -- a shorter delay that somebody has asked for; 0 for none
    since INTEGER NOT NULL DEFAULT 0 -- Unix seconds from when it holds
) STRICT;

-- What was there before is of one person if never two on record could decide.
INSERT INTO register (id, alone, delay)
    SELECT 1, count(*) > 0 AND count(*) FILTER (WHERE role IN ('maintainer', 'approver')) < 2, 86400 FROM person;

-- It ends by itself, whoever brings the second one in and by whatever way, and does not come back when others leave.
CREATE TRIGGER together_by_name AFTER INSERT ON person
    WHEN (SELECT count(*) FROM person WHERE left = 0 AND role IN ('maintainer', 'approver')) > 1
    BEGIN UPDATE register SET alone = 0; END;
CREATE TRIGGER together_by_role AFTER UPDATE ON person
    WHEN (SELECT count(*) FROM person WHERE left = 0 AND role IN ('maintainer', 'approver')) > 1
    BEGIN UPDATE register SET alone = 0; END;
