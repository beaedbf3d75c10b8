"""The schema of what receivers have of ours that this vault has not sealed; a step of `schema.MIGRATIONS`."""

from typing import Final

AHEAD: Final = """
CREATE TABLE ahead (                   -- nothing is sealed in these channels
    channel BLOB PRIMARY KEY,
    sequence INTEGER NOT NULL,         -- of the newest envelope of ours that a member has signed a receipt for
    head BLOB NOT NULL,                -- that envelope's id
    identity TEXT NOT NULL             -- the member
) WITHOUT ROWID;
"""
