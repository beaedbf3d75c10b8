"""The schema of what heals an older copy; a step of `schema.MIGRATIONS`. It has landed and is never changed."""

from typing import Final

ROLLBACK: Final = """
ALTER TABLE channel ADD COLUMN era INTEGER NOT NULL DEFAULT 0;     -- how often its positions went back
ALTER TABLE channel ADD COLUMN tail BLOB;    -- SHA-256 of the item at the cursor
ALTER TABLE envelope ADD COLUMN era INTEGER NOT NULL DEFAULT 0;    -- in which it was seen last
CREATE INDEX outbox_kept ON outbox (number) WHERE state = 'sent' AND envelope IS NOT NULL;
INSERT INTO tally SELECT 'kept', count(*), coalesce(sum(length(envelope)), 0) FROM outbox
    WHERE state = 'sent' AND envelope IS NOT NULL;
CREATE TRIGGER outbox_kept_more AFTER UPDATE OF state, envelope ON outbox
WHEN NEW.state = 'sent' AND NEW.envelope IS NOT NULL
    AND (OLD.state <> 'sent' OR OLD.envelope IS NULL) BEGIN
    UPDATE tally SET count = count + 1, bytes = bytes + length(NEW.envelope) WHERE name = 'kept';
END;
CREATE TRIGGER outbox_kept_less AFTER UPDATE OF state, envelope ON outbox
WHEN OLD.state = 'sent' AND OLD.envelope IS NOT NULL
    AND (NEW.state <> 'sent' OR NEW.envelope IS NULL) BEGIN
    UPDATE tally SET count = count - 1, bytes = bytes - length(OLD.envelope) WHERE name = 'kept';
END;
CREATE TRIGGER outbox_kept_gone AFTER DELETE ON outbox
WHEN OLD.state = 'sent' AND OLD.envelope IS NOT NULL BEGIN
    UPDATE tally SET count = count - 1, bytes = bytes - length(OLD.envelope) WHERE name = 'kept';
END;
"""
