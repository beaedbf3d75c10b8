"""The schema of backups and of a restored card; a step of `schema.MIGRATIONS`. It has landed and is never changed."""

from typing import Final

BACKUPS: Final = """
CREATE TABLE backup (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,          -- the newest that this vault knows of, made here or not
    stored INTEGER NOT NULL DEFAULT 0, -- the newest that this vault has given to the relay
    header BLOB,                       -- of that one
    key BLOB,                          -- its data key, so that another passphrase needs no new upload
    made_at_ms INTEGER,
    last_fetch INTEGER NOT NULL DEFAULT 0     -- number of the last fetch that was told
);
INSERT INTO backup (one, version) VALUES (1, 0);
CREATE TABLE holder (                  -- of a card that was restored
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,
    mark BLOB NOT NULL
);
"""
