-- Finds the accounts of one name on all platforms.
CREATE INDEX indicator_by_name ON indicator (substr(subject, instr(subject, '/') + 1)) WHERE instr(subject, ':') > 0;
