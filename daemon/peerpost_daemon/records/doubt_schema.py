"""The schema of doubted uploads; a step of `schema.MIGRATIONS`. It has landed and is never changed."""

from typing import Final

DOUBTS: Final = """
ALTER TABLE file ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0;  -- ours; the relay may have lost it
CREATE INDEX file_doubted ON file (number) WHERE doubted;
"""
