"""The schema of what policies say about posting; a step of `schema.MIGRATIONS`. It has landed and is never changed."""

CHANNEL_POLICY = """
ALTER TABLE memberships ADD COLUMN posts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE channels ADD COLUMN expire_ms INTEGER;
"""
