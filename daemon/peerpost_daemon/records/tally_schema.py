"""The schema of tallies and alarms; a step of `schema.MIGRATIONS`. It has landed and is never changed."""

from typing import Final

TALLIES: Final = """
ALTER TABLE outbox ADD COLUMN size INTEGER NOT NULL DEFAULT 0;    -- bytes of the message's body
UPDATE outbox SET size = coalesce(
    (SELECT length(CAST(body AS BLOB)) FROM message WHERE cursor = message_cursor), 0);
CREATE INDEX outbox_sent ON outbox (number) WHERE state = 'sent';
CREATE TABLE tally (                   -- kept by the triggers below: nothing counts a million rows
    name TEXT PRIMARY KEY,             -- message, queued (and sealed), sent
    count INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO tally SELECT 'message', count(*), 0 FROM message;
INSERT INTO tally SELECT 'queued', count(*), coalesce(sum(size), 0) FROM outbox
    WHERE state IN ('queued', 'sealed');
INSERT INTO tally SELECT 'sent', count(*), coalesce(sum(size), 0) FROM outbox WHERE state = 'sent';
CREATE TRIGGER message_added AFTER INSERT ON message BEGIN
    UPDATE tally SET count = count + 1 WHERE name = 'message';
END;
CREATE TRIGGER message_removed AFTER DELETE ON message BEGIN
    UPDATE tally SET count = count - 1 WHERE name = 'message';
END;
CREATE TRIGGER outbox_added AFTER INSERT ON outbox BEGIN
    UPDATE tally SET count = count + 1, bytes = bytes + NEW.size
        WHERE name = replace(NEW.state, 'sealed', 'queued');
END;
CREATE TRIGGER outbox_moved AFTER UPDATE OF state ON outbox
WHEN replace(OLD.state, 'sealed', 'queued') <> replace(NEW.state, 'sealed', 'queued') BEGIN
    UPDATE tally SET count = count - 1, bytes = bytes - OLD.size
        WHERE name = replace(OLD.state, 'sealed', 'queued');
    UPDATE tally SET count = count + 1, bytes = bytes + NEW.size
        WHERE name = replace(NEW.state, 'sealed', 'queued');
END;
CREATE TRIGGER outbox_removed AFTER DELETE ON outbox BEGIN
    UPDATE tally SET count = count - 1, bytes = bytes - OLD.size
        WHERE name = replace(OLD.state, 'sealed', 'queued');
END;
CREATE TABLE alarm (                   -- what a person should know of until it is old
    change TEXT PRIMARY KEY,           -- of the daemon event that told it first
    at_ms INTEGER NOT NULL,
    count INTEGER NOT NULL,
    detail TEXT
) WITHOUT ROWID;
"""
