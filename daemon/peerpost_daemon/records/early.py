"""Early: changes of messages that are not here yet. They wait, a bounded number for a bounded time."""

from operator import attrgetter

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection

MAX_OF_SENDER = 64
"""A sender's older ones give way."""
MAX_EARLY = 4096
MAX_AGE_MS = 7 * 86_400_000
_DROPPED_TOGETHER = 256


class Early(Struct, frozen=True):
    """Be a change that waits; `moderates`: its sender was an admin at its place in the stream."""

    channel: bytes
    message: bytes
    sender: str
    moderates: bool
    position: int
    at_ms: int
    body: bytes


def hold(db: SqlConnection, early: Early) -> None:
    """Keep a change until its message comes."""
    db.execute(
        "INSERT INTO early (channel, message, sender, moderates, position, at_ms, body) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            early.channel,
            early.message,
            early.sender,
            early.moderates,
            early.position,
            early.at_ms,
            early.body,
        ),
    )
    db.execute(
        "DELETE FROM early WHERE number IN (SELECT number FROM early WHERE sender = ? "
        "ORDER BY number DESC LIMIT -1 OFFSET ?)",
        (early.sender, MAX_OF_SENDER),
    )
    db.execute(
        "DELETE FROM early WHERE number <= (SELECT max(number) FROM early) - ?", (MAX_EARLY,)
    )
    drop_old(db, early.at_ms)


def release(db: SqlConnection, channel: bytes, message: bytes) -> list[Early]:
    """Return what waits for a message, in its order, and let it go."""
    rows = db.execute(
        "SELECT channel, message, sender, moderates, position, at_ms, body FROM early "
        "WHERE message = ? AND channel = ?",
        (message, channel),
    ).fetchall()
    if not rows:
        return []
    db.execute("DELETE FROM early WHERE message = ? AND channel = ?", (message, channel))
    found = [Early(row[0], row[1], row[2], bool(row[3]), *row[4:]) for row in rows]
    return sorted(found, key=attrgetter("position"))  # SQLite would prepare to sort each time


def drop_old(db: SqlConnection, now_ms: int) -> None:
    """Let the oldest go that have waited too long."""
    db.execute(
        "DELETE FROM early WHERE at_ms < ? AND number IN "
        "(SELECT number FROM early ORDER BY number LIMIT ?)",
        (now_ms - MAX_AGE_MS, _DROPPED_TOGETHER),
    )
