"""Events: everything a local tool may want to hear, in one numbered stream; consumers and their cursors.

An event that brings a message holds only its place: text stands once in the vault.
"""

import msgspec
from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection

MAX_EVENTS = 1_000_000
"""Older ones are pruned, acknowledged or not; the messages themselves stay."""

_encode = msgspec.json.Encoder().encode


class Event(Struct, frozen=True):
    """Be an event as it is stored: `message` is a message's cursor, `data` JSON otherwise."""

    cursor: int
    at_ms: int
    kind: str
    channel: bytes | None
    message: int | None
    data: bytes | None


def add(
    db: SqlConnection, kind: str, at_ms: int, data: Struct, *, channel: bytes | None = None
) -> None:
    """Append an event whose data is a struct."""
    db.execute(
        "INSERT INTO event (at_ms, kind, channel, data) VALUES (?, ?, ?, ?)",
        (at_ms, kind, channel, _encode(data)),
    )


def add_message(db: SqlConnection, at_ms: int, channel: bytes, cursor: int) -> None:
    """Append the event that brings a stored message."""
    db.execute(
        "INSERT INTO event (at_ms, kind, channel, message) VALUES (?, 'message', ?, ?)",
        (at_ms, channel, cursor),
    )


def page(db: SqlConnection, after: int, limit: int) -> list[Event]:
    """Return the events after a cursor, oldest first."""
    rows = db.execute(
        "SELECT cursor, at_ms, kind, channel, message, data FROM event WHERE cursor > ? "
        "ORDER BY cursor LIMIT ?",
        (after, limit),
    ).fetchall()
    return [Event(*row) for row in rows]


def newest(db: SqlConnection) -> int:
    """Return the newest cursor, 0 when there is none."""
    row = db.execute("SELECT max(cursor) FROM event").fetchone()
    return int(row[0] or 0)


def prune(db: SqlConnection) -> int:
    """Remove what is beyond the bound; return how many."""
    return db.execute(
        "DELETE FROM event WHERE cursor <= (SELECT max(cursor) FROM event) - ?", (MAX_EVENTS,)
    ).rowcount


def consumer(db: SqlConnection, name: str) -> int | None:
    """Return what a consumer has acknowledged, None when nobody knows it."""
    row = db.execute("SELECT acknowledged FROM consumer WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else None


def add_consumer(db: SqlConnection, name: str, acknowledged: int, now_ms: int) -> None:
    """Begin a consumer."""
    db.execute(
        "INSERT INTO consumer (name, acknowledged, created_at_ms) VALUES (?, ?, ?)",
        (name, acknowledged, now_ms),
    )


def acknowledge(db: SqlConnection, name: str, cursor: int) -> int | None:
    """Move a consumer's cursor forward, never back; return it, None when nobody knows it."""
    row = db.execute(
        "UPDATE consumer SET acknowledged = max(acknowledged, min(?, "
        "(SELECT coalesce(max(cursor), 0) FROM event))) WHERE name = ? RETURNING acknowledged",
        (cursor, name),
    ).fetchone()
    return int(row[0]) if row else None
