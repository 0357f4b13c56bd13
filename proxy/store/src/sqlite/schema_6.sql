-- Schema 6: an index for the age of the oldest pending event. This event need not be a head: a replay
-- is behind newer events, and an event may be stored after a newer event of its line.

CREATE INDEX arrival ON event (received_ms) WHERE state = 'pending';
