-- Those who may enter come first: a page of them is read from its place on.
CREATE INDEX person_in_line ON person ((CASE WHEN gone > 0 THEN 1 ELSE 0 END), name);
