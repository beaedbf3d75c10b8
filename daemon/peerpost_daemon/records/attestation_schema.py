"""The schema of what the relay says of contacts' cards; a step of `schema.MIGRATIONS`. It is never changed."""

from typing import Final

ATTESTATIONS: Final = """
ALTER TABLE card ADD COLUMN attestation TEXT;       -- unverified, authorized, verified; null: not said yet
"""
