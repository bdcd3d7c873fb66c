-- Why something was taken off the list, by language, for the public; what was taken off before says nothing.
ALTER TABLE indicator ADD COLUMN taken TEXT NOT NULL DEFAULT '{}';
