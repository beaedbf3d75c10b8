"""The schema of what becomes of messages: changes, threads, search, schedules; a step of `schema.MIGRATIONS`.

It has landed and is never changed. The index of words follows the messages by triggers, as far as it has been filled
(`indexing`): whoever edits, empties or removes a message need not know that there is one.
"""

from typing import Final

CONTENT: Final = """
ALTER TABLE message ADD COLUMN title TEXT;
ALTER TABLE message ADD COLUMN presentation BLOB;   -- encoded; null: none
ALTER TABLE message ADD COLUMN request BLOB;        -- the correlation's message id; null: none
ALTER TABLE message ADD COLUMN answers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN thread BLOB;         -- the id of the first message that it answers; null: none
ALTER TABLE message ADD COLUMN edited_at_ms INTEGER;
ALTER TABLE message ADD COLUMN deleted_at_ms INTEGER;
ALTER TABLE message ADD COLUMN deleted_by TEXT;
ALTER TABLE message ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN edit_position INTEGER NOT NULL DEFAULT 0;  -- of the edit in force
CREATE INDEX message_by_thread ON message (thread, cursor) WHERE thread IS NOT NULL;
CREATE INDEX message_by_request ON message (request) WHERE answers;
CREATE INDEX message_by_sender ON message (channel, identity, cursor);
CREATE INDEX message_by_time ON message (channel, sent_at_ms);
CREATE INDEX message_expiring ON message (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
ALTER TABLE outbox ADD COLUMN subject BLOB;         -- of a content: the message that it changes
ALTER TABLE outbox ADD COLUMN not_before_ms INTEGER;
ALTER TABLE outbox ADD COLUMN wiped INTEGER NOT NULL DEFAULT 0;  -- what it says has been removed since
CREATE INDEX outbox_due ON outbox (not_before_ms)
    WHERE not_before_ms IS NOT NULL AND state = 'queued';
CREATE INDEX outbox_by_subject ON outbox (subject) WHERE subject IS NOT NULL;
CREATE TABLE reaction (
    message INTEGER NOT NULL,          -- its cursor
    identity TEXT NOT NULL,
    emoji TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (message, identity, emoji)
) WITHOUT ROWID;
CREATE TABLE early (                   -- changes of messages that are not here
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    channel BLOB NOT NULL,
    message BLOB NOT NULL,
    sender TEXT NOT NULL,
    moderates INTEGER NOT NULL,        -- the sender was an admin at its place
    position INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    body BLOB NOT NULL                 -- encoded
);
CREATE INDEX early_by_message ON early (message);
CREATE INDEX early_by_sender ON early (sender, number);
CREATE TABLE retention (               -- what this daemon keeps of a channel; null: without bound
    channel BLOB PRIMARY KEY,
    max_age_ms INTEGER,
    max_count INTEGER
) WITHOUT ROWID;
CREATE VIEW searchable AS SELECT
    cursor,
    CASE WHEN media_type IS NULL THEN CAST(body AS TEXT) ELSE '' END AS text,
    title,
    'c' || hex(channel) AS place,
    'i' || hex(identity) AS author
FROM message;
CREATE VIRTUAL TABLE word USING fts5 (
    text, title, place, author,
    content = 'searchable', content_rowid = 'cursor',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3', columnsize = 0
);
INSERT INTO word (word, rank) VALUES ('secure-delete', 1);
CREATE TABLE indexed (one INTEGER PRIMARY KEY CHECK (one = 1), upto INTEGER NOT NULL);
INSERT INTO indexed VALUES (1, 0);     -- the cursor of the last message whose words are in the index
CREATE TRIGGER message_gone AFTER DELETE ON message BEGIN
    DELETE FROM reaction WHERE message = OLD.cursor;
END;
CREATE TRIGGER message_unindexed AFTER DELETE ON message
WHEN OLD.cursor <= (SELECT upto FROM indexed) BEGIN
    INSERT INTO word (word, rowid, text, title, place, author) VALUES ('delete', OLD.cursor,
        CASE WHEN OLD.media_type IS NULL THEN CAST(OLD.body AS TEXT) ELSE '' END, OLD.title,
        'c' || hex(OLD.channel), 'i' || hex(OLD.identity));
END;
CREATE TRIGGER message_reindexed AFTER UPDATE OF body, title, media_type, channel ON message
WHEN OLD.cursor <= (SELECT upto FROM indexed) BEGIN
    INSERT INTO word (word, rowid, text, title, place, author) VALUES ('delete', OLD.cursor,
        CASE WHEN OLD.media_type IS NULL THEN CAST(OLD.body AS TEXT) ELSE '' END, OLD.title,
        'c' || hex(OLD.channel), 'i' || hex(OLD.identity));
    INSERT INTO word (rowid, text, title, place, author) VALUES (NEW.cursor,
        CASE WHEN NEW.media_type IS NULL THEN CAST(NEW.body AS TEXT) ELSE '' END, NEW.title,
        'c' || hex(NEW.channel), 'i' || hex(NEW.identity));
END;
"""
