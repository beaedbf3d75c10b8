"""Removal: messages that have expired, or that nobody wants kept, with all that is held of them."""

from collections.abc import Iterable

from peerpost_daemon.delivering import give_up
from peerpost_daemon.records import history, outbox, outbox_bodies
from peerpost_daemon.records.outgoing import OutboxState
from peerpost_daemon.records.retention import Retention
from peerpost_daemon.vault.connection import SqlConnection

BATCH = 256
EXPIRED = "expired"


def expired(db: SqlConnection, now_ms: int) -> list[int]:
    """Return the cursors of some messages that have expired."""
    return _cursors(
        db,
        "SELECT cursor FROM message WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?",
        (now_ms, BATCH),
    )


def unwanted(db: SqlConnection, kept: Retention, now_ms: int) -> list[int]:
    """Return the cursors of some messages of a channel that are more or older than is kept.

    What a named consumer has not acknowledged stays, and so does what is on its way.
    """
    before = history.first_needed(db)
    found = list[int]()
    if kept.max_age_ms is not None:
        found += _cursors(
            db,
            f"{_FINISHED} AND coalesce(received_at_ms, message.sent_at_ms) < ? "
            "ORDER BY message.cursor LIMIT ?",
            (kept.channel, before, now_ms - kept.max_age_ms, BATCH),
        )
    if kept.max_count is not None:
        found += _cursors(
            db,
            _BEYOND,
            (kept.channel, before, kept.channel, kept.max_count, BATCH),
        )
    return found


_FINISHED = (
    "SELECT message.cursor FROM message LEFT JOIN outbox ON mine AND outbox.message = message.id "
    "WHERE message.channel = ? AND message.cursor < ? "
    "AND (state IS NULL OR state IN ('delivered', 'read', 'failed'))"
)

_BEYOND = (
    f"{_FINISHED} AND message.cursor <= (SELECT cursor FROM message WHERE channel = ? "  # noqa: S608
    "ORDER BY cursor DESC LIMIT 1 OFFSET ?) ORDER BY message.cursor LIMIT ?"
)


def remove(db: SqlConnection, cursors: Iterable[int], reason: str, now_ms: int) -> None:
    """Remove messages; one that has not left fails with the reason."""
    for cursor in cursors:
        row = db.execute("SELECT id, mine FROM message WHERE cursor = ?", (cursor,)).fetchone()
        if row is None:
            continue
        outgoing = outbox.find(db, row[0]) if row[1] else None
        if outgoing is not None and outgoing.state is OutboxState.QUEUED:
            give_up(db, [(outgoing.number, row[0])], reason, now_ms)
        outbox_bodies.forget_message(db, row[0], now_ms)
        db.execute("DELETE FROM event WHERE message = ?", (cursor,))
        db.execute("DELETE FROM message WHERE cursor = ?", (cursor,))


def _cursors(db: SqlConnection, query: str, values: tuple[object, ...]) -> list[int]:
    return [row[0] for row in db.execute(query, values).fetchall()]
