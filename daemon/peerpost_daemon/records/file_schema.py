"""The schema of files; a step of `schema.MIGRATIONS`. It has landed and is never changed."""

from typing import Final

FILES: Final = """
CREATE TABLE file (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL,          -- the cursor of its message
    blob BLOB NOT NULL,
    key BLOB NOT NULL,
    size INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    name TEXT NOT NULL,                -- as it may be shown and saved
    said_name TEXT NOT NULL,           -- as its sender wrote it
    media_type TEXT NOT NULL,
    preview BLOB,
    mine INTEGER NOT NULL,
    stored TEXT NOT NULL UNIQUE,       -- the name of the encrypted copy in the store of files
    state TEXT NOT NULL,               -- uploading, offered, fetching, here, refused, gone
    reason TEXT
);
CREATE INDEX file_by_message ON file (message);
CREATE INDEX file_under_way ON file (state, number) WHERE state IN ('uploading', 'fetching');
CREATE INDEX file_offered ON file (size, number) WHERE state = 'offered';
CREATE INDEX file_held ON file (state, size) WHERE state IN ('uploading', 'fetching', 'here');
CREATE TRIGGER file_added AFTER INSERT ON file BEGIN
    UPDATE tally SET bytes = bytes + 512 + coalesce(length(NEW.preview), 0) WHERE name = 'message';
END;
CREATE TRIGGER file_removed AFTER DELETE ON file BEGIN
    UPDATE tally SET bytes = bytes - 512 - coalesce(length(OLD.preview), 0) WHERE name = 'message';
END;
CREATE TRIGGER file_of_message_gone AFTER DELETE ON message BEGIN
    DELETE FROM file WHERE message = OLD.cursor;
END;
CREATE TRIGGER file_of_message_deleted AFTER UPDATE OF deleted_at_ms ON message
WHEN NEW.deleted_at_ms IS NOT NULL BEGIN
    DELETE FROM file WHERE message = NEW.cursor;
END;
ALTER TABLE outbox ADD COLUMN uploads INTEGER NOT NULL DEFAULT 0;  -- files that are not at the relay yet
"""
