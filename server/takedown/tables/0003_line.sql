-- Those that are due first come first, and those in which nobody must act last: a page of them is read from its place
-- on.
CREATE INDEX takedown_in_line ON takedown ((CASE WHEN due = 0 THEN 1 ELSE 0 END), due, id);
CREATE INDEX takedown_in_line_of_platform ON takedown (platform, (CASE WHEN due = 0 THEN 1 ELSE 0 END), due, id);
CREATE INDEX takedown_in_line_of_state ON takedown (state, (CASE WHEN due = 0 THEN 1 ELSE 0 END), due, id);
DROP INDEX takedown_by_platform;
CREATE INDEX takedown_by_platform ON takedown (platform, state, due, asked, answered); -- all that is summed up
CREATE INDEX action_by_platform ON action (platform, (acted - sent));
