-- Schema 4: a checksum of each event. It is NULL for an event of an older schema, which gatepost does
-- not check.

ALTER TABLE event ADD COLUMN checksum INTEGER;
