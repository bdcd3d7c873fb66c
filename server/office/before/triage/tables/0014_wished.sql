-- When somebody came to want that, in Unix seconds: it counts while they stand for it. 0 where nobody does, and from
-- before that was kept.
ALTER TABLE cases ADD COLUMN wished INTEGER NOT NULL DEFAULT 0;
