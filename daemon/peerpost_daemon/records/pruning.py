"""Pruning: finished rows of the outbox that no promise needs any more.

What stays of such a row: the message itself with its last state, and the link of its envelope, by which an echo or a
relay's older copy is recognised as our own.
"""

from peerpost_daemon.vault.connection import SqlConnection

MIN_ROWS = 10_000
"""So many of the newest rows stay however old they look."""
_FINISHED = "state IN ('delivered', 'read', 'failed')"


def newest_old(db: SqlConnection, before_ms: int, limit: int) -> int:
    """Return the number up to which finished rows may go, at most `limit` of them; 0 when there are none."""
    (newest,) = db.execute("SELECT coalesce(max(number), 0) FROM outbox").fetchone()
    rows = db.execute(
        f"SELECT number, queued_at_ms FROM outbox WHERE {_FINISHED} AND number <= ? "  # noqa: S608  constant
        "ORDER BY number LIMIT ?",
        (newest - MIN_ROWS, limit),
    ).fetchall()
    return max((number for number, queued_at_ms in rows if queued_at_ms < before_ms), default=0)


def prune(db: SqlConnection, upto: int, before_ms: int) -> int:
    """Remove the finished rows up to a number that are old; return how many."""
    which = f"{_FINISHED} AND number <= ?1 AND queued_at_ms < ?2"
    db.execute(
        "INSERT OR IGNORE INTO own_envelope (channel, sequence, id, position, own) "  # noqa: S608  constant
        "SELECT channel, sequence, envelope_id, position, own "
        f"FROM outbox WHERE {which} AND state != 'failed' AND envelope_id IS NOT NULL",
        (upto, before_ms),
    )
    db.execute(
        "UPDATE message SET outcome = outbox.state FROM outbox "  # noqa: S608  constant
        f"WHERE message.cursor = message_cursor AND outbox.{which}",
        (upto, before_ms),
    )
    return db.execute(
        f"DELETE FROM outbox WHERE {which}",  # noqa: S608  constant
        (upto, before_ms),
    ).rowcount
