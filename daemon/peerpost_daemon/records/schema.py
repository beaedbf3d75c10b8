"""The vault's schema, step by step. A step that has landed is never changed; a new one is appended."""

from typing import Final

from peerpost_daemon.records.ahead_schema import AHEAD
from peerpost_daemon.records.attestation_schema import ATTESTATIONS
from peerpost_daemon.records.backup_schema import BACKUPS
from peerpost_daemon.records.bounds_schema import BOUNDS
from peerpost_daemon.records.content_schema import CONTENT
from peerpost_daemon.records.doubt_schema import DOUBTS
from peerpost_daemon.records.file_schema import FILES
from peerpost_daemon.records.inheritance_schema import INHERITANCE
from peerpost_daemon.records.lineage_schema import LINEAGE
from peerpost_daemon.records.linking_schema import LINKING
from peerpost_daemon.records.posting_schema import POSTING
from peerpost_daemon.records.request_schema import REQUESTS
from peerpost_daemon.records.rollback_schema import ROLLBACK
from peerpost_daemon.records.rotation_schema import ROTATION
from peerpost_daemon.records.tally_schema import TALLIES
from peerpost_daemon.records.trust_schema import TRUST
from peerpost_daemon.records.unwanted_blob_schema import UNWANTED_BLOBS
from peerpost_daemon.vault.migrations import Migration

_FIRST: Final = """
CREATE TABLE account (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    identity TEXT NOT NULL,
    device TEXT NOT NULL,
    card BLOB NOT NULL,                -- encoded Signed
    signing_seed BLOB NOT NULL,
    encryption_private BLOB NOT NULL,
    state TEXT NOT NULL,               -- pending, registered, refused
    reason TEXT,
    token TEXT,                        -- until the relay has accepted the card
    relay TEXT,
    relay_key BLOB,
    epoch BLOB,
    attestation TEXT,
    created_at_ms INTEGER NOT NULL
);
CREATE TABLE contact (
    identity TEXT PRIMARY KEY,
    state TEXT NOT NULL,               -- pinned, verified, changed, blocked
    first_seen_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE card (
    id BLOB PRIMARY KEY,
    identity TEXT NOT NULL,
    signed BLOB NOT NULL,
    trust TEXT NOT NULL,               -- pinned, offered
    first_seen_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX card_by_identity ON card (identity);
CREATE TABLE channel (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    peer TEXT,                         -- the other member of a direct channel
    state TEXT NOT NULL,               -- pending, active, left, removed
    roster BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    joined_late INTEGER NOT NULL,      -- others' chains may begin in the middle
    cursor INTEGER NOT NULL DEFAULT 0, -- the stream is stored up to this position
    receipts_cursor INTEGER NOT NULL DEFAULT 0,
    receipt_due INTEGER NOT NULL DEFAULT 0,    -- the last position stored that others sent
    receipt_posted INTEGER NOT NULL DEFAULT 0, -- the position of the receipt the relay has
    own_sequence INTEGER NOT NULL DEFAULT 0,
    own_head BLOB,
    sent_sequence INTEGER NOT NULL DEFAULT 0,
    sent_head BLOB
) WITHOUT ROWID;
CREATE INDEX channel_by_peer ON channel (peer) WHERE peer IS NOT NULL;
CREATE TABLE roster_event (
    channel BLOB NOT NULL,
    position INTEGER NOT NULL,
    id BLOB NOT NULL,
    signed BLOB NOT NULL,
    PRIMARY KEY (channel, position)
) WITHOUT ROWID;
CREATE TABLE message (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL,
    channel BLOB,                      -- null until a first direct message has its channel
    card BLOB NOT NULL,
    identity TEXT NOT NULL,
    mine INTEGER NOT NULL,
    sequence INTEGER,
    position INTEGER,
    media_type TEXT,                   -- null: a text
    body BLOB NOT NULL,                -- UTF-8 text or data
    reply_to BLOB,
    sent_at_ms INTEGER NOT NULL,
    received_at_ms INTEGER,
    expires_at_ms INTEGER
);
CREATE UNIQUE INDEX message_by_id ON message (id, card);
CREATE INDEX message_by_channel ON message (channel, cursor);
CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    message BLOB NOT NULL UNIQUE,
    message_cursor INTEGER NOT NULL,
    channel BLOB,
    recipient TEXT,                    -- an identity, until its direct channel is known
    idempotency_key TEXT UNIQUE,
    state TEXT NOT NULL,               -- queued, sealed, sent, delivered, read, failed
    reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    sequence INTEGER,
    envelope BLOB,                     -- between sealed and sent
    envelope_id BLOB,
    recipients BLOB,                   -- 32-byte card ids, one after the other
    position INTEGER,
    queued_at_ms INTEGER NOT NULL,
    sent_at_ms INTEGER,
    delivered_at_ms INTEGER,
    expires_at_ms INTEGER
);
CREATE INDEX outbox_waiting ON outbox (number) WHERE state IN ('queued', 'sealed');
CREATE INDEX outbox_undelivered ON outbox (channel, sequence) WHERE state IN ('sealed', 'sent');
CREATE INDEX outbox_by_sequence ON outbox (channel, sequence);
CREATE TABLE chain (
    channel BLOB NOT NULL,
    sender BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    id BLOB NOT NULL,
    missing BLOB NOT NULL,             -- encoded sequences that never came
    PRIMARY KEY (channel, sender)
) WITHOUT ROWID;
CREATE TABLE envelope (
    channel BLOB NOT NULL,
    sender BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    id BLOB NOT NULL,
    previous BLOB,
    PRIMARY KEY (channel, sender, sequence)
) WITHOUT ROWID;
CREATE TABLE mark (
    channel BLOB NOT NULL,
    card BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    missing BLOB NOT NULL,
    PRIMARY KEY (channel, card)
) WITHOUT ROWID;
CREATE TABLE quarantine (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    channel BLOB NOT NULL,
    position INTEGER NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    card BLOB,
    body BLOB NOT NULL
);
CREATE INDEX quarantine_by_card ON quarantine (card, number);
CREATE TABLE event (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    channel BLOB,
    message INTEGER,                   -- the message it brings; its data is made from there
    data BLOB                          -- JSON otherwise
);
CREATE TABLE consumer (
    name TEXT PRIMARY KEY,
    acknowledged INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
"""

_SECOND: Final = """
ALTER TABLE consumer ADD COLUMN channels BLOB;   -- 32-byte ids, one after the other; null: all
ALTER TABLE consumer ADD COLUMN kinds TEXT;      -- words with commas between; null: all
ALTER TABLE consumer ADD COLUMN window INTEGER NOT NULL DEFAULT 100;
ALTER TABLE consumer ADD COLUMN ack_ms INTEGER;  -- set: a queue, whose events are done one by one
ALTER TABLE consumer ADD COLUMN max_attempts INTEGER;
ALTER TABLE consumer ADD COLUMN acknowledged_at_ms INTEGER;
ALTER TABLE consumer ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;    -- events pruned before they were done
ALTER TABLE consumer ADD COLUMN untold INTEGER NOT NULL DEFAULT 0;  -- of these, since it subscribed last
CREATE TABLE held (
    consumer TEXT NOT NULL,
    cursor INTEGER NOT NULL,           -- of an event up to `acknowledged` that is not done with
    state TEXT NOT NULL,               -- waiting, flying, dead
    attempt INTEGER NOT NULL,          -- how often it was delivered
    due_at_ms INTEGER NOT NULL,        -- waiting: not before
    delay_ms INTEGER NOT NULL,         -- waiting: how long at most
    reason TEXT,                       -- why the last attempt failed
    PRIMARY KEY (consumer, cursor)
) WITHOUT ROWID;
CREATE INDEX event_by_time ON event (at_ms);
ALTER TABLE outbox ADD COLUMN content BLOB;      -- an encoded body that is no message; else null
ALTER TABLE outbox ADD COLUMN read_at_ms INTEGER;
ALTER TABLE outbox ADD COLUMN failed_at_ms INTEGER;
CREATE INDEX outbox_unread ON outbox (channel, position) WHERE state IN ('sent', 'delivered');
CREATE TABLE read_mark (
    channel BLOB NOT NULL,
    identity TEXT NOT NULL,
    position INTEGER NOT NULL,         -- read up to here
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (channel, identity)
) WITHOUT ROWID;
"""

MIGRATIONS: Final = (
    Migration(1, "the first vault", _FIRST),
    Migration(2, "consumers that hold events, and read marks", _SECOND),
    Migration(3, "tallies and alarms", TALLIES),
    Migration(4, "eras of positions, and bytes that are kept", ROLLBACK),
    Migration(5, "bounds in bytes", BOUNDS),
    Migration(6, "changes of messages, threads, search, schedules", CONTENT),
    Migration(7, "aliases, policies and listed fingerprints", TRUST),
    Migration(8, "backups made, and the holder of a restored card", BACKUPS),
    Migration(9, "what roles and policies mean for sending", POSTING),
    Migration(10, "histories of identities", LINEAGE),
    Migration(11, "requests, consents and local names of channels", REQUESTS),
    Migration(12, "files", FILES),
    Migration(13, "histories handed from device to device", INHERITANCE),
    Migration(14, "rotations, and chains of earlier cards", ROTATION),
    Migration(15, "receivers that are ahead", AHEAD),
    Migration(16, "blobs to remove at the relay", UNWANTED_BLOBS),
    Migration(17, "uploads that a relay may have lost", DOUBTS),
    Migration(18, "devices that link once they are proven", LINKING),
    Migration(19, "what the relay says of contacts' cards", ATTESTATIONS),
)
