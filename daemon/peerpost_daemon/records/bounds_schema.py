"""The schema of bounds in bytes; a step of `schema.MIGRATIONS`. It has landed and is never changed."""

from typing import Final

BOUNDS: Final = """
ALTER TABLE message ADD COLUMN outcome TEXT;    -- of one's own: its last state, once its outbox row is gone
DROP TRIGGER message_added;
DROP TRIGGER message_removed;
UPDATE tally SET bytes = (SELECT coalesce(sum(length(CAST(body AS BLOB))), 0) FROM message)
    WHERE name = 'message';
CREATE TRIGGER message_added AFTER INSERT ON message BEGIN
    UPDATE tally SET count = count + 1, bytes = bytes + length(CAST(NEW.body AS BLOB))
        WHERE name = 'message';
END;
CREATE TRIGGER message_removed AFTER DELETE ON message BEGIN
    UPDATE tally SET count = count - 1, bytes = bytes - length(CAST(OLD.body AS BLOB))
        WHERE name = 'message';
END;
CREATE TRIGGER message_rewritten AFTER UPDATE OF body ON message BEGIN
    UPDATE tally SET bytes = bytes - length(CAST(OLD.body AS BLOB)) + length(CAST(NEW.body AS BLOB))
        WHERE name = 'message';
END;
CREATE INDEX event_by_message ON event (message) WHERE message IS NOT NULL;
CREATE INDEX outbox_finished ON outbox (number) WHERE state IN ('delivered', 'read', 'failed');
CREATE TABLE own_envelope (            -- of finished messages whose outbox rows are gone
    channel BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    id BLOB NOT NULL,
    position INTEGER,
    PRIMARY KEY (channel, sequence)
) WITHOUT ROWID;
CREATE TABLE quarantine_share (        -- kept by the triggers below
    who BLOB PRIMARY KEY,              -- a card, or the channel of what names none
    count INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO quarantine_share SELECT coalesce(card, channel), count(*), sum(length(body))
    FROM quarantine GROUP BY 1;
INSERT INTO tally SELECT 'quarantine', count(*), coalesce(sum(length(body)), 0) FROM quarantine;
CREATE INDEX quarantine_by_who ON quarantine (coalesce(card, channel), number);
CREATE TRIGGER quarantine_added AFTER INSERT ON quarantine BEGIN
    UPDATE tally SET count = count + 1, bytes = bytes + length(NEW.body) WHERE name = 'quarantine';
    INSERT INTO quarantine_share VALUES (coalesce(NEW.card, NEW.channel), 1, length(NEW.body))
        ON CONFLICT (who) DO UPDATE SET count = count + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER quarantine_removed AFTER DELETE ON quarantine BEGIN
    UPDATE tally SET count = count - 1, bytes = bytes - length(OLD.body) WHERE name = 'quarantine';
    UPDATE quarantine_share SET count = count - 1, bytes = bytes - length(OLD.body)
        WHERE who = coalesce(OLD.card, OLD.channel);
    DELETE FROM quarantine_share WHERE who = coalesce(OLD.card, OLD.channel) AND count = 0;
END;
"""
