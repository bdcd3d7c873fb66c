-- What decisions about a subject have put on the list and no later one has taken off: a JSON array of names. A case may
-- be decided anew, merged or parted meanwhile.
ALTER TABLE subjects ADD COLUMN standing TEXT NOT NULL DEFAULT '[]';

UPDATE subjects SET standing = (
    SELECT json_group_array(one.value ->> 'lists') FROM cases, json_each(
        CASE WHEN settled = 1 AND action = 'list' AND lists <> '' THEN lists
             WHEN earlier <> '' AND earlier ->> 'action' = 'list' AND earlier ->> 'lists' <> '' THEN earlier ->> 'lists'
             ELSE '[]' END) AS one
    WHERE cases.id = case_id AND one.value ->> 'of' = subjects.name);
