-- What was decided lately is found without reading all decisions.
CREATE INDEX decision_by_time ON decision (time, seq);
