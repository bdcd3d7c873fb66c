-- Which cases have gone into another one: asked whenever that goes into a third.
CREATE INDEX cases_into ON cases (into_case) WHERE into_case IS NOT NULL;
