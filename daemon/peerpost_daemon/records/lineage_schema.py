"""The schema of the histories of identities; a step of `schema.MIGRATIONS`."""

from typing import Final

LINEAGE: Final = """
CREATE TABLE card_history (             -- of contacts and of this account itself, verified entry by entry
    identity TEXT PRIMARY KEY,
    length INTEGER NOT NULL,
    head BLOB NOT NULL,
    state BLOB NOT NULL                 -- an encoded History
) WITHOUT ROWID;
ALTER TABLE account ADD COLUMN refused_for BLOB;    -- the card for which the relay refused ours
"""
