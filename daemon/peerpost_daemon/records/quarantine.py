"""Quarantine: items of a stream that were not taken, kept as they came so that they can be tried again."""

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection

MAX_QUARANTINED = 10_000
"""The oldest give way."""
MAX_QUARANTINED_OF_CARD = 1_000
"""So much of one card: who sends rubbish pushes out its own, and not what is held of others."""


class Held(Struct, frozen=True):
    """Be an envelope that was held back, with where it stood."""

    number: int
    channel: bytes
    position: int
    stored_at_ms: int
    body: bytes


def hold(
    db: SqlConnection,
    channel: bytes,
    position: int,
    stored_at_ms: int,
    *,
    reason: str,
    card: bytes | None,
    body: bytes,
) -> None:
    """Keep an item with the reason why it was not taken."""
    db.execute(
        "INSERT INTO quarantine (channel, position, stored_at_ms, reason, card, body) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (channel, position, stored_at_ms, reason, card, body),
    )
    db.execute(
        "DELETE FROM quarantine WHERE number IN (SELECT number FROM quarantine WHERE card IS ? "
        "ORDER BY number DESC LIMIT -1 OFFSET ?)",
        (card, MAX_QUARANTINED_OF_CARD),
    )
    # By count, not by number: numbers go on with what its own card has pushed out.
    db.execute(
        "DELETE FROM quarantine WHERE number = (SELECT min(number) FROM quarantine) "
        "AND (SELECT count(*) FROM quarantine) > ?",
        (MAX_QUARANTINED,),
    )


def held_for(db: SqlConnection, card: bytes, reason: str, limit: int) -> list[Held]:
    """Return what was held back from a card for one reason, oldest first."""
    rows = db.execute(
        "SELECT number, channel, position, stored_at_ms, body FROM quarantine "
        "WHERE card = ? AND reason = ? ORDER BY number LIMIT ?",
        (card, reason, limit),
    ).fetchall()
    return [Held(*row) for row in rows]


def holds(db: SqlConnection, channel: bytes, card: bytes | None, body: bytes) -> bool:
    """Say whether an item is held already."""
    row = db.execute(
        "SELECT 1 FROM quarantine WHERE card IS ? AND channel = ? AND body = ? LIMIT 1",
        (card, channel, body),
    ).fetchone()
    return row is not None


def held_in(db: SqlConnection, channel: bytes, reason: str, limit: int) -> list[Held]:
    """Return what was held back in a channel for one reason, oldest first."""
    rows = db.execute(
        "SELECT number, channel, position, stored_at_ms, body FROM quarantine "
        "WHERE channel = ? AND reason = ? ORDER BY number LIMIT ?",
        (channel, reason, limit),
    ).fetchall()
    return [Held(*row) for row in rows]


def release(db: SqlConnection, number: int) -> None:
    """Remove an item that has been taken."""
    db.execute("DELETE FROM quarantine WHERE number = ?", (number,))
