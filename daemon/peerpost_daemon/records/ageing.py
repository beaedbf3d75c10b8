"""What waits for the relay, by its age."""

from peerpost_daemon.vault.connection import SqlConnection


def queued_before(db: SqlConnection, at_ms: int, limit: int) -> list[tuple[int, bytes]]:
    """Return (number, message) of those of the oldest rows that were queued before a time and are not sealed."""
    oldest = db.execute(
        "SELECT number, message, coalesce(not_before_ms, queued_at_ms), state FROM outbox "
        "WHERE state IN ('queued', 'sealed') ORDER BY number LIMIT ?",
        (limit,),
    ).fetchall()
    return [(row[0], row[1]) for row in oldest if row[2] < at_ms and row[3] == "queued"]


def is_queued(db: SqlConnection, number: int) -> bool:
    """Tell whether a row waits and is not sealed."""
    row = db.execute("SELECT state FROM outbox WHERE number = ?", (number,)).fetchone()
    return row is not None and row[0] == "queued"
