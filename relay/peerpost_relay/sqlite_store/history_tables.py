"""The tables of histories, proofs and what a token permits, and how the cards of before get their history."""

import sqlite3

from peerpost_protocol.history import NOTHING, Began, entry_id
from peerpost_protocol.signing import Signed
from peerpost_protocol.wire import encode

HISTORIES = """
CREATE TABLE history_entries (
    number INTEGER PRIMARY KEY,
    identity TEXT NOT NULL,
    position INTEGER NOT NULL,
    entry BLOB NOT NULL,
    statement BLOB,
    ruled INTEGER NOT NULL DEFAULT 0,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX history_entries_by_position ON history_entries (identity, position);
CREATE UNIQUE INDEX history_entries_by_statement ON history_entries (statement)
    WHERE statement IS NOT NULL;
CREATE TABLE proofs (
    card BLOB PRIMARY KEY,
    digest BLOB NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    tries_left INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX proofs_by_expiry ON proofs (expires_at_ms);
ALTER TABLE cards ADD COLUMN state TEXT NOT NULL DEFAULT 'live';
ALTER TABLE cards ADD COLUMN endorsers BLOB NOT NULL DEFAULT x'';
ALTER TABLE cards ADD COLUMN token INTEGER REFERENCES tokens (number);
UPDATE cards SET state = 'revoked' WHERE revoked_at_ms IS NOT NULL;
CREATE INDEX cards_by_token ON cards (token) WHERE token IS NOT NULL;
CREATE INDEX tokens_by_revocation ON tokens (revoked_at_ms) WHERE revoked_at_ms IS NOT NULL;
ALTER TABLE tokens ADD COLUMN rate TEXT NOT NULL DEFAULT 'full'
"""


def begin_histories(db: sqlite3.Connection) -> None:
    """Begin a history with each live card: before there were histories, an identity had one."""
    rows = db.execute(
        "SELECT card, identity, payload, signature FROM cards WHERE state = 'live'"
    ).fetchall()
    for card, identity, payload, signature in rows:
        began = Began(Signed(payload, signature))
        id_ = entry_id(began, 0, NOTHING, card)
        db.execute(
            "INSERT INTO history_entries (identity, position, entry, body) VALUES (?, 0, ?, ?)",
            (identity, id_, encode(began)),
        )
