"""The tables and their migrations: MIGRATIONS[n] leads from `PRAGMA user_version` n to n + 1.

`rosters.roster` is the msgpack form of protocol's `Roster`. It can be made again from the events
in the stream, so a later form needs no conversion in place: replay and overwrite.
"""

import logging
import os
import sqlite3
from collections.abc import Callable

from peerpost_relay.errors import SetupError
from peerpost_relay.sqlite_store import expired
from peerpost_relay.sqlite_store.backup_schema import BACKUPS
from peerpost_relay.sqlite_store.blob_schema import BLOBS
from peerpost_relay.sqlite_store.channel_policy_schema import CHANNEL_POLICY
from peerpost_relay.sqlite_store.history_tables import HISTORIES, begin_histories

log = logging.getLogger(__name__)

EPOCH_BYTES = 16

_FIRST = """
CREATE TABLE store (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch BLOB NOT NULL
) STRICT;
CREATE TABLE cards (
    number INTEGER PRIMARY KEY,
    card BLOB NOT NULL UNIQUE,
    identity TEXT NOT NULL,
    payload BLOB NOT NULL,
    signature BLOB NOT NULL,
    attestation TEXT NOT NULL,
    published_at_ms INTEGER NOT NULL,
    revoked_at_ms INTEGER
) STRICT;
CREATE INDEX cards_by_identity ON cards (identity, number);
CREATE INDEX cards_by_revocation ON cards (revoked_at_ms) WHERE revoked_at_ms IS NOT NULL;
CREATE TABLE tokens (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE,
    identity TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER,
    uses_left INTEGER,
    revoked_at_ms INTEGER
) STRICT;
CREATE TABLE channels (
    number INTEGER PRIMARY KEY,
    channel BLOB NOT NULL UNIQUE,
    last INTEGER NOT NULL DEFAULT 0,
    roster_position INTEGER NOT NULL,
    roster_head BLOB NOT NULL,
    receipts INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE rosters (
    channel INTEGER PRIMARY KEY REFERENCES channels (number),
    roster BLOB NOT NULL
) STRICT;
CREATE TABLE direct_channels (
    pair TEXT PRIMARY KEY,
    channel INTEGER NOT NULL REFERENCES channels (number)
) STRICT, WITHOUT ROWID;
CREATE TABLE memberships (
    card INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER,
    PRIMARY KEY (card, channel, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    event BLOB PRIMARY KEY,
    channel INTEGER NOT NULL,
    roster_position INTEGER NOT NULL,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX events_by_position ON events (channel, roster_position, position);
CREATE TABLE items (
    number INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER,
    body BLOB
) STRICT;
CREATE UNIQUE INDEX items_by_position ON items (channel, position);
CREATE INDEX items_by_expiry ON items (expires_at_ms)
    WHERE expires_at_ms IS NOT NULL AND body IS NOT NULL;
CREATE TABLE messages (
    channel INTEGER NOT NULL,
    sender INTEGER NOT NULL,
    message BLOB NOT NULL,
    envelope BLOB NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (channel, sender, message)
) STRICT, WITHOUT ROWID;
CREATE TABLE chains (
    channel INTEGER NOT NULL,
    sender INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    head BLOB NOT NULL,
    PRIMARY KEY (channel, sender)
) STRICT, WITHOUT ROWID;
CREATE TABLE receipts (
    channel INTEGER NOT NULL,
    card INTEGER NOT NULL,
    position INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    payload BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (channel, card)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipts_by_revision ON receipts (channel, revision);
"""

_USAGE = """
CREATE TABLE channel_usage (
    channel INTEGER PRIMARY KEY,
    bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE identity_usage (
    identity TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO channel_usage
    SELECT m.channel, sum(length(i.body)) FROM messages m
    JOIN items i ON i.channel = m.channel AND i.position = m.position
    WHERE i.body IS NOT NULL GROUP BY m.channel;
INSERT INTO identity_usage
    SELECT c.identity, sum(length(i.body)) FROM messages m
    JOIN items i ON i.channel = m.channel AND i.position = m.position
    JOIN cards c ON c.number = m.sender
    WHERE i.body IS NOT NULL GROUP BY c.identity;
"""

Step = str | Callable[[sqlite3.Connection], None]  # statements, or what takes more than those

MIGRATIONS: tuple[Step, ...] = (
    _FIRST,
    _USAGE,
    BLOBS,
    expired.SCHEMA,
    BACKUPS,
    CHANNEL_POLICY,
    HISTORIES,
    begin_histories,
)


def migrate(db: sqlite3.Connection) -> bytes:
    """Bring the file to the newest version; return its epoch; raise SetupError when it is newer."""
    db.execute("BEGIN IMMEDIATE")
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise SetupError(
                f"the database was made by a newer version (schema {version}, this one knows "
                f"{len(MIGRATIONS)}): install the newer version again"
            )
        if 0 < version < len(MIGRATIONS):
            log.info("the store is brought from schema %d to %d", version, len(MIGRATIONS))
        for step in MIGRATIONS[version:]:
            _take(db, step)
        db.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
        db.execute("INSERT OR IGNORE INTO store VALUES (1, ?)", (os.urandom(EPOCH_BYTES),))
        (epoch,) = db.execute("SELECT epoch FROM store").fetchone()
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    return bytes(epoch)


def _take(db: sqlite3.Connection, step: Step) -> None:
    if not isinstance(step, str):
        step(db)
        return
    for statement in filter(str.strip, step.split(";")):
        db.execute(statement)
