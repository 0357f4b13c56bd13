-- Schema 3: the state that machines share besides the events. gatepost does not sync a transaction
-- with only this state.

CREATE TABLE shared (key BLOB PRIMARY KEY, bytes BLOB NOT NULL, until_ms INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE INDEX shared_until ON shared (until_ms);
