"""The schema of histories handed from device to device; a step of `schema.MIGRATIONS`. It is never changed."""

from typing import Final

INHERITANCE: Final = """
CREATE TABLE bequest (                 -- the history that this device hands on
    one INTEGER PRIMARY KEY CHECK (one = 1),
    channel BLOB NOT NULL,             -- of this identity's devices alone
    after INTEGER NOT NULL,            -- cursor of the last message that has been queued
    upto INTEGER NOT NULL              -- cursor of the last one to hand on
);
CREATE TABLE heir (                    -- a row: this device asked for the history when it was linked
    one INTEGER PRIMARY KEY CHECK (one = 1)
);
"""
