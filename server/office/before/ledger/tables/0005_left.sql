-- What a release had and the next one had no more, as it was said there, with why it was taken off: the public register
-- speaks of nothing else that is over. What is on the list again stays here.
CREATE TABLE left_list (
    subject    TEXT    NOT NULL PRIMARY KEY, -- canonical
    category   INTEGER NOT NULL,
    source     TEXT    NOT NULL,
    reference  TEXT    NOT NULL,
    reason     TEXT    NOT NULL, -- JSON: language to sentence
    first_seen INTEGER NOT NULL, -- Unix seconds
    lapses     INTEGER NOT NULL, -- Unix seconds, 0 is never
    withdrawn  INTEGER NOT NULL, -- Unix seconds, 0 where its time was over
    taken      TEXT    NOT NULL  -- JSON: language to sentence
) STRICT, WITHOUT ROWID;

-- Of before, what was over by the time of the last release, and was on the list when one was issued.
INSERT INTO left_list
SELECT subject, category, source, reference, reason, first_seen, lapses, withdrawn, taken FROM (
    SELECT *, coalesce(nullif(withdrawn, 0), lapses) AS over, (SELECT min(time) FROM decision WHERE decision.subject = indicator.subject) AS listed
    FROM indicator WHERE withdrawn <> 0 OR lapses <> 0
) WHERE over <= (SELECT max(issued) FROM release) AND EXISTS (SELECT 1 FROM release WHERE issued >= listed AND issued < over);
