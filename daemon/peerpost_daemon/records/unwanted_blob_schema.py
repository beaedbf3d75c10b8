"""The schema of unwanted blobs; a step of `schema.MIGRATIONS`. It has landed and is never changed."""

from typing import Final

UNWANTED_BLOBS: Final = """
CREATE TABLE unwanted_blob (           -- the relay is still to be asked to remove them
    number INTEGER PRIMARY KEY,
    channel BLOB NOT NULL,
    blob BLOB NOT NULL,
    UNIQUE (channel, blob)
);
"""
