"""The schema of aliases, policies and listed fingerprints; a step of `schema.MIGRATIONS`."""

from typing import Final

TRUST: Final = """
ALTER TABLE contact ADD COLUMN alias TEXT;
ALTER TABLE contact ADD COLUMN policy TEXT;     -- tofu, pin, verified-only; null: the default
CREATE UNIQUE INDEX contact_by_alias ON contact (alias) WHERE alias IS NOT NULL;
ALTER TABLE channel ADD COLUMN policy TEXT;
CREATE TABLE policy_default (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    policy TEXT NOT NULL                        -- of the settings, at the last unlock
);
CREATE TABLE listed_fingerprint (               -- as somebody who knows has written them down
    identity TEXT NOT NULL,
    fingerprint BLOB NOT NULL,                  -- what the id of the card begins with, 20 to 32 bytes
    PRIMARY KEY (identity, fingerprint)
) WITHOUT ROWID;
"""
