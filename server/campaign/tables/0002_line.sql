-- What changed last comes first: a page of them is read from its place on.
CREATE INDEX card_in_line ON card ((-changed), id);
