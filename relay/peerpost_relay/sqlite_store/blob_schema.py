"""The schema of blobs; a step of `schema.MIGRATIONS`. It has landed and is never changed."""

BLOBS = """
CREATE TABLE blobs (
    number INTEGER PRIMARY KEY,
    blob BLOB NOT NULL,
    name TEXT NOT NULL UNIQUE,
    channel INTEGER NOT NULL,
    card INTEGER NOT NULL,
    identity TEXT NOT NULL,
    size INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    touched_at_ms INTEGER NOT NULL,
    durable INTEGER NOT NULL DEFAULT 0,
    UNIQUE (channel, blob, card)
) STRICT;
CREATE INDEX blobs_by_expiry ON blobs (expires_at_ms);
CREATE INDEX uploads_by_card ON blobs (card) WHERE NOT durable;
CREATE INDEX uploads_by_touch ON blobs (touched_at_ms) WHERE NOT durable;
CREATE TABLE blob_usage (
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (scope, subject)
) STRICT, WITHOUT ROWID;
"""
