"""The schema of backups and holders; a step of `schema.MIGRATIONS`. Once it has landed it is never changed."""

BACKUPS = """
CREATE TABLE backups (
    identity TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    header BLOB NOT NULL,
    lock BLOB NOT NULL,
    size INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    card BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE backup_uploads (
    identity TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    header BLOB NOT NULL,
    lock BLOB NOT NULL,
    size INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    card BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE backup_parts (
    number INTEGER PRIMARY KEY,
    identity TEXT NOT NULL,
    version INTEGER NOT NULL,
    part INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX backup_parts_in_order ON backup_parts (identity, version, part);
CREATE TABLE backup_fetches (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    card BLOB NOT NULL,
    version INTEGER NOT NULL
) STRICT;
CREATE INDEX backup_fetches_by_identity ON backup_fetches (identity, number);
CREATE TABLE holders (
    card BLOB PRIMARY KEY,
    number INTEGER NOT NULL,
    mark BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""
