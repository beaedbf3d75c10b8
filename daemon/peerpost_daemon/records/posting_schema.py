"""The schema of what a roster means for sending; a step of `schema.MIGRATIONS`. It has landed and is never changed."""

from typing import Final

POSTING: Final = """
ALTER TABLE channel ADD COLUMN posts INTEGER NOT NULL DEFAULT 1;   -- this account may post
ALTER TABLE channel ADD COLUMN expire_ms INTEGER;                  -- how long its policy keeps messages
"""
