-- What a release has left to be settled, in the words of whoever issued it: told to those who reported, and noted in its cases. Empty once that is done.
ALTER TABLE release ADD COLUMN unsettled TEXT NOT NULL DEFAULT '';
