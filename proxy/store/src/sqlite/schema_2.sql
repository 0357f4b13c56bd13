-- Schema 2: the time for attempts counts from the time at which an event was queued.

ALTER TABLE event RENAME COLUMN first_attempt_ms TO queued_ms;
UPDATE event SET queued_ms = received_ms;
