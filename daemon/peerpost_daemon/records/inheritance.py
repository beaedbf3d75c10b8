"""Inheritance: which part of the history this device still hands on, and whether it asked for that of another one."""

from msgspec import Struct

from peerpost_daemon.records import messages
from peerpost_daemon.records.messages import Message
from peerpost_daemon.vault.connection import SqlConnection


class Bequest(Struct, frozen=True):
    """Be the messages with after < cursor <= upto, for the devices in a channel."""

    channel: bytes
    after: int
    upto: int


def begin(db: SqlConnection, channel: bytes) -> None:
    """Hand on everything that is here now, from the beginning."""
    db.execute(
        "INSERT OR REPLACE INTO bequest SELECT 1, ?, 0, coalesce(max(cursor), 0) FROM message",
        (channel,),
    )


def find(db: SqlConnection) -> Bequest | None:
    """Return what is being handed on."""
    row = db.execute("SELECT channel, after, upto FROM bequest").fetchone()
    return Bequest(*row) if row else None


def advance(db: SqlConnection, after: int) -> None:
    """Note that everything up to a cursor has been queued."""
    db.execute("UPDATE bequest SET after = ?", (after,))


def finish(db: SqlConnection) -> None:
    """Forget it: all has been handed on."""
    db.execute("DELETE FROM bequest")


def expect(db: SqlConnection) -> None:
    """Take in the history that a sibling hands on."""
    db.execute("INSERT OR IGNORE INTO heir VALUES (1)")


def is_expected(db: SqlConnection) -> bool:
    """Say whether this device asked for the history."""
    return db.execute("SELECT 1 FROM heir").fetchone() is not None


def part(db: SqlConnection, bequest: Bequest, now_ms: int, limit: int) -> list[tuple[int, Message]]:
    """Return the first messages that are still to be handed on, with their cursors.

    They are those of channels that the identity is in now, that others have seen, and that still say something.
    """
    rows = db.execute(
        f"{messages.SELECT} WHERE message.cursor > ? AND message.cursor <= ? "
        "AND channel.state = 'active' AND message.channel <> ? AND deleted_at_ms IS NULL "
        "AND (message.expires_at_ms IS NULL OR message.expires_at_ms > ?) "
        "AND (outbox.state IS NULL OR outbox.state IN ('sent', 'delivered', 'read')) "
        "ORDER BY message.cursor LIMIT ?",
        (bequest.after, bequest.upto, bequest.channel, now_ms, limit),
    ).fetchall()
    return [(one.cursor, one.message) for one in map(messages.stored, rows)]
