-- A store with schema 1, as the first gatepost with a queue created it.
PRAGMA journal_mode = wal;
PRAGMA application_id = 1735422836;
PRAGMA user_version = 1;

CREATE TABLE event (
    number           INTEGER PRIMARY KEY AUTOINCREMENT,
    id               TEXT NOT NULL,              -- ce-id
    lane             TEXT NOT NULL,              -- template/kind
    source           TEXT NOT NULL,              -- ce-source
    subject          TEXT,                       -- events of one source and subject keep their order
    received_ms      INTEGER NOT NULL,
    state            TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
    is_head          INTEGER NOT NULL DEFAULT 0, -- 1 for the oldest pending event of its subject
    due_ms           INTEGER NOT NULL,           -- next attempt, or the end of the lease
    owner            TEXT,                       -- process that has claimed the event
    attempts         INTEGER NOT NULL DEFAULT 0,
    first_attempt_ms INTEGER,
    ended_ms         INTEGER,
    reason           TEXT,
    is_replay        INTEGER NOT NULL DEFAULT 0,
    bytes            INTEGER NOT NULL
) STRICT;

-- Headers and body of an event, in a table of their own, so that a claim rewrites a small row.
CREATE TABLE payload (
    number  INTEGER PRIMARY KEY,
    headers TEXT NOT NULL,                       -- JSON: [["name", "value"], ...]
    body    BLOB NOT NULL
) STRICT;

CREATE INDEX head ON event (lane, due_ms) WHERE is_head = 1;
CREATE INDEX line ON event (source, subject, number) WHERE state = 'pending' AND subject IS NOT NULL;
CREATE INDEX ended ON event (state, ended_ms) WHERE state <> 'pending';

-- Keys of callbacks whose resends are duplicates.
CREATE TABLE seen (key BLOB PRIMARY KEY, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX seen_until ON seen (until_ms);

CREATE TABLE total (state TEXT PRIMARY KEY, count INTEGER NOT NULL, bytes INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
INSERT INTO total VALUES ('pending', 0, 0), ('delivered', 0, 0), ('dead', 0, 0);

CREATE TRIGGER event_added AFTER INSERT ON event BEGIN
    UPDATE total SET count = count + 1, bytes = bytes + NEW.bytes WHERE state = NEW.state;
END;

CREATE TRIGGER event_removed AFTER DELETE ON event BEGIN
    UPDATE total SET count = count - 1, bytes = bytes - OLD.bytes WHERE state = OLD.state;
    DELETE FROM payload WHERE number = OLD.number;
END;

CREATE TRIGGER event_ended AFTER UPDATE OF state ON event WHEN OLD.state <> NEW.state BEGIN
    UPDATE total SET count = count - 1, bytes = bytes - OLD.bytes WHERE state = OLD.state;
    UPDATE total SET count = count + 1, bytes = bytes + NEW.bytes WHERE state = NEW.state;
END;

CREATE TRIGGER head_ended AFTER UPDATE OF state ON event
WHEN OLD.state = 'pending' AND NEW.state <> 'pending' AND OLD.subject IS NOT NULL BEGIN
    UPDATE event SET is_head = 1 WHERE number = (
        SELECT min(number) FROM event
        WHERE source = OLD.source AND subject = OLD.subject AND state = 'pending'
          AND subject IS NOT NULL);
END;

CREATE TRIGGER head_removed AFTER DELETE ON event
WHEN OLD.state = 'pending' AND OLD.subject IS NOT NULL BEGIN
    UPDATE event SET is_head = 1 WHERE number = (
        SELECT min(number) FROM event
        WHERE source = OLD.source AND subject = OLD.subject AND state = 'pending'
          AND subject IS NOT NULL);
END;

INSERT INTO event (number, id, lane, source, subject, received_ms, is_head, due_ms, attempts, first_attempt_ms, bytes)
VALUES (1, '1', 'live/push', '/a', 's', 1000, 1, 2000, 1, 1500, 600),
       (2, '2', 'live/push', '/a', 's', 2000, 0, 2000, 0, NULL, 600),
       (3, '3', 'live/push', '/a', NULL, 3000, 1, 3000, 0, NULL, 600);
INSERT INTO payload VALUES (1, '[]', x'7b7d'), (2, '[]', x'7b7d'), (3, '[]', x'7b7d');
