"""The schema of requests, consents and local names of channels; a step of `schema.MIGRATIONS`.

It has landed and is never changed.
"""

from typing import Final

REQUESTS: Final = """
ALTER TABLE channel ADD COLUMN alias TEXT;                         -- what it is called here alone
ALTER TABLE channel ADD COLUMN inviter TEXT;                       -- who added this account last
ALTER TABLE channel ADD COLUMN unasked INTEGER NOT NULL DEFAULT 0; -- nobody here was asked about it
CREATE UNIQUE INDEX channel_by_alias ON channel (alias) WHERE alias IS NOT NULL;
CREATE INDEX channel_unasked ON channel (inviter) WHERE unasked;
CREATE INDEX channel_unanswered ON channel (state) WHERE state IN ('requested', 'declined');
CREATE TABLE request (
    channel BLOB PRIMARY KEY,
    inviter TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    roster BLOB NOT NULL,              -- as it was when this account was added
    upto INTEGER NOT NULL,             -- the stream was seen up to this position
    items INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    full INTEGER NOT NULL DEFAULT 0    -- something did not find room: it is at the relay
) WITHOUT ROWID;
CREATE INDEX request_by_inviter ON request (inviter);
CREATE TABLE request_item (
    channel BLOB NOT NULL,
    position INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (channel, position)
);
CREATE TABLE consent (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    direct TEXT,                       -- contacts, anyone, nobody; null: as the settings say
    groups TEXT,
    default_direct TEXT NOT NULL,      -- of the settings, at the last unlock
    default_groups TEXT NOT NULL
);
"""
