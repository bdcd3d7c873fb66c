-- Since when a proposal of the command line is a member's own, in Unix seconds; 0 where it is not, and from before that
-- was kept.
ALTER TABLE proposal ADD COLUMN adopted INTEGER NOT NULL DEFAULT 0;
