-- SQLite reads from a place on in an index over columns alone.
DROP INDEX card_in_line;
CREATE INDEX card_by_change ON card (changed, id);
