"""Outbox bodies: what travels as messages do and is none: read marks, and changes of messages.

A body of which there is nothing to say any more is emptied and not removed: its row may have its place in the chain.
"""

from peerpost_daemon.vault.connection import SqlConnection

SUPERSEDED = "superseded"


def add_mark(db: SqlConnection, id_: bytes, channel: bytes, content: bytes, now_ms: int) -> None:
    """Queue a read mark. It replaces one of the same channel that is not sealed yet."""
    replaced = db.execute(
        "UPDATE outbox SET content = ?, size = ? WHERE channel = ? AND state = 'queued' "
        "AND content IS NOT NULL AND subject IS NULL",
        (content, len(content), channel),
    ).rowcount
    if not replaced:
        _add(db, id_, channel, content, subject=None, now_ms=now_ms)


def add_change(
    db: SqlConnection, id_: bytes, channel: bytes, content: bytes, *, subject: bytes, now_ms: int
) -> None:
    """Queue a change of the message `subject`."""
    _add(db, id_, channel, content, subject=subject, now_ms=now_ms)


def wipe(db: SqlConnection, message: bytes, now_ms: int) -> None:
    """Remove what the outbox holds of a message's words: its sealed bytes, and earlier changes of it.

    Bytes that have no answer stay until they have: the chain goes on from them.
    """
    db.execute(
        "UPDATE outbox SET wiped = 1, envelope = CASE state WHEN 'sealed' THEN envelope END "
        "WHERE message = ? OR subject = ?",
        (message, message),
    )
    db.execute(
        "UPDATE outbox SET content = x'', reason = CASE state WHEN 'queued' THEN ? ELSE reason END, "
        "failed_at_ms = CASE state WHEN 'queued' THEN ? ELSE failed_at_ms END, "
        "state = CASE state WHEN 'queued' THEN 'failed' ELSE state END WHERE subject = ?",
        (SUPERSEDED, now_ms, message),
    )


def forget_message(db: SqlConnection, message: bytes, now_ms: int) -> None:
    """Do the same for a message of which nothing is left: should it have to be sealed again, it fails."""
    wipe(db, message, now_ms)
    db.execute("UPDATE outbox SET message_cursor = 0 WHERE message = ?", (message,))


def content_at(db: SqlConnection, message: bytes) -> bytes | None:
    """Return the body that was queued under an id, None when there is none or it has been emptied."""
    row = db.execute("SELECT content FROM outbox WHERE message = ?", (message,)).fetchone()
    return (row[0] or None) if row else None


def _add(
    db: SqlConnection,
    id_: bytes,
    channel: bytes,
    content: bytes,
    *,
    subject: bytes | None,
    now_ms: int,
) -> None:
    db.execute(
        "INSERT INTO outbox (message, message_cursor, channel, state, queued_at_ms, content, "
        "size, subject) VALUES (?, 0, ?, 'queued', ?, ?, ?, ?)",
        (id_, channel, now_ms, content, len(content), subject),
    )
