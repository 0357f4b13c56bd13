-- Schema 5: a checksum of each shared value. gatepost computes the checksums of the present values.

ALTER TABLE shared ADD COLUMN checksum INTEGER NOT NULL DEFAULT -1;
