"""Outbox progress: how far rows have come since they were sealed, and those that come no further."""

from peerpost_daemon.records.outgoing import COUNT, RETURNED, SELECT, Outgoing, of_row
from peerpost_daemon.vault.connection import SqlConnection


def sent(db: SqlConnection, message: bytes, position: int, now_ms: int) -> Outgoing | None:
    """Note that the relay has the message; return its row, None when that was known.

    Its bytes are kept until it is delivered, unless what they say has been removed: the relay may lose them. The caller
    owes `kept.bound`.
    """
    row = db.execute(
        "UPDATE outbox SET state = CASE state WHEN 'sealed' THEN 'sent' ELSE state END, "  # noqa: S608
        "position = ?, sent_at_ms = coalesce(sent_at_ms, ?), "
        "envelope = CASE WHEN wiped THEN NULL ELSE envelope END "
        "WHERE message = ? AND position IS NULL AND state IN ('sealed', 'delivered') "
        f"RETURNING {RETURNED}, message_cursor",
        (position, now_ms, message),
    ).fetchone()
    if row is None:
        return None
    db.execute("UPDATE message SET position = ? WHERE cursor = ?", (position, row[COUNT]))
    return of_row(row[:COUNT])


def moved(db: SqlConnection, number: int, position: int) -> None:
    """Note that the relay has the message at another position than it had."""
    row = db.execute(
        "UPDATE outbox SET position = ? WHERE number = ? AND position != ? RETURNING message_cursor",
        (position, number, position),
    ).fetchone()
    if row is not None:
        db.execute("UPDATE message SET position = ? WHERE cursor = ?", (position, row[0]))


def undelivered(
    db: SqlConnection, channel: bytes, first: int, last: int, own: bytes = b""
) -> list[Outgoing]:
    """Return the rows of a channel that are not known to be delivered, from one sequence to another.

    `own`: the earlier card of ours that sealed them; empty for the one in force.
    """
    rows = db.execute(
        f"{SELECT} WHERE channel = ? AND sequence >= ? AND sequence <= ? AND own = ? "
        "AND state IN ('sealed', 'sent') ORDER BY sequence",
        (channel, first, last, own),
    ).fetchall()
    return [of_row(row) for row in rows]


def earlier_cards(db: SqlConnection, channel: bytes) -> list[tuple[bytes, int]]:
    """Return the earlier cards of ours by which something is not delivered yet, with its last sequence."""
    return db.execute(
        "SELECT own, max(sequence) FROM outbox WHERE channel = ? AND state = 'sent' "
        "AND own != x'' GROUP BY own",
        (channel,),
    ).fetchall()


def delivered(db: SqlConnection, number: int, now_ms: int) -> Outgoing:
    """Note that every card it was sealed for has the message; return its row."""
    row = db.execute(
        "UPDATE outbox SET state = 'delivered', delivered_at_ms = ?, envelope = NULL, "  # noqa: S608
        f"sent_at_ms = coalesce(sent_at_ms, ?) WHERE number = ? RETURNING {RETURNED}",
        (now_ms, now_ms, number),
    ).fetchone()
    return of_row(row)


def unread(db: SqlConnection, channel: bytes, after: int, upto: int) -> list[Outgoing]:
    """Return the messages of a channel in a span of positions that are not known to be read."""
    rows = db.execute(
        f"{SELECT} WHERE channel = ? AND position > ? AND position <= ? "
        "AND state IN ('sent', 'delivered') AND content IS NULL ORDER BY position",
        (channel, after, upto),
    ).fetchall()
    return [of_row(row) for row in rows]


def read(db: SqlConnection, number: int, now_ms: int) -> None:
    """Note that every identity it was sealed for has read the message."""
    db.execute(
        "UPDATE outbox SET state = 'read', read_at_ms = ?, envelope = NULL WHERE number = ?",
        (now_ms, number),
    )


def fail(db: SqlConnection, number: int, reason: str, now_ms: int) -> bool:
    """Give a message up, with the reason; return False when it is at the relay or given up already."""
    cursor = db.execute(
        "UPDATE outbox SET state = 'failed', reason = ?, failed_at_ms = ?, envelope = NULL "
        "WHERE number = ? AND state IN ('queued', 'sealed')",
        (reason, now_ms, number),
    )
    return bool(cursor.rowcount)


def fail_sent(db: SqlConnection, number: int, reason: str, now_ms: int) -> None:
    """Give a message up that the relay has, with the reason; its place in our chain stays known."""
    db.execute(
        "INSERT OR IGNORE INTO own_envelope (channel, sequence, id, position, own) "
        "SELECT channel, sequence, envelope_id, position, own FROM outbox WHERE number = ? AND state = 'sent'",
        (number,),
    )
    db.execute(
        "UPDATE outbox SET state = 'failed', reason = ?, failed_at_ms = ?, envelope = NULL "
        "WHERE number = ? AND state = 'sent'",
        (reason, now_ms, number),
    )
