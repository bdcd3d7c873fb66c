-- How many cases of a platform are in each state, by the hour in which they are due, and what they sum up to; see
-- counts.go.
CREATE TABLE takedown_count (
    platform TEXT    NOT NULL,
    state    TEXT    NOT NULL,
    hour     INTEGER NOT NULL, -- since 1970; 0 where nobody must act
    cases    INTEGER NOT NULL,
    asked    INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    PRIMARY KEY (platform, state, hour)
) STRICT, WITHOUT ROWID;
INSERT INTO takedown_count SELECT platform, state, due / 3600, count(*), sum(asked), sum(answered) FROM takedown GROUP BY platform, state, due / 3600;
CREATE INDEX takedown_due ON takedown (due, platform);
DROP INDEX takedown_by_platform;

-- How often each platform took so many tenths of a day.
CREATE TABLE action_count (
    platform TEXT    NOT NULL,
    tenths   INTEGER NOT NULL,
    actions  INTEGER NOT NULL,
    PRIMARY KEY (platform, tenths)
) STRICT, WITHOUT ROWID;
INSERT INTO action_count SELECT platform, (acted - sent + 4320) / 8640, count(*) FROM action GROUP BY platform, (acted - sent + 4320) / 8640;
DROP INDEX action_by_platform;

-- Of one platform and state, those that are due first come first.
CREATE INDEX takedown_in_line_of_both ON takedown (platform, state, (CASE WHEN due = 0 THEN 1 ELSE 0 END), due, id);
