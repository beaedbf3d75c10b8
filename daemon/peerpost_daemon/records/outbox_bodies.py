"""Outbox bodies: what travels as messages do and is none: read marks, and changes of messages.

A body of which there is nothing to say any more is emptied and not removed: its row may have its place in the chain.
"""

from collections.abc import Callable

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
    db: SqlConnection,
    id_: bytes,
    channel: bytes,
    content: bytes,
    *,
    subject: bytes,
    now_ms: int,
    expires_at_ms: int | None,
) -> None:
    """Queue a change of the message `subject`; it lives no longer than that."""
    _add(db, id_, channel, content, subject=subject, now_ms=now_ms, expires_at_ms=expires_at_ms)


def add_page(db: SqlConnection, id_: bytes, channel: bytes, content: bytes, now_ms: int) -> None:
    """Queue a page of the history. It is its own subject, so that no read mark takes its place."""
    _add(db, id_, channel, content, subject=id_, now_ms=now_ms)


def is_under_way(db: SqlConnection, channel: bytes) -> bool:
    """Say whether something in a channel has not reached the relay."""
    row = db.execute(
        "SELECT 1 FROM outbox WHERE channel = ? AND state IN ('queued', 'sealed') LIMIT 1",
        (channel,),
    ).fetchone()
    return row is not None


def empty_sent(db: SqlConnection, channel: bytes) -> None:
    """Remove what pages in a channel say that have reached the relay."""
    db.execute(
        "UPDATE outbox SET wiped = 1, content = x'', envelope = NULL WHERE channel = ? "
        "AND subject = message AND state NOT IN ('queued', 'sealed') AND content <> x''",
        (channel,),
    )


def wipe(
    db: SqlConnection, message: bytes, now_ms: int, is_superseded: Callable[[bytes], bool]
) -> None:
    """Remove what the outbox holds of an own message's words: its sealed bytes, and changes of it that are superseded.

    Bytes that have no answer stay until they have: the chain goes on from them.
    """
    _drop_bytes(db, message)
    empty_changes(db, message, now_ms, is_superseded)


def empty_changes(
    db: SqlConnection, message: bytes, now_ms: int, is_superseded: Callable[[bytes], bool]
) -> None:
    """Remove what the outbox holds of superseded changes of messages with an id."""
    rows = db.execute(
        "SELECT message, content FROM outbox WHERE subject = ? AND content <> x''", (message,)
    ).fetchall()
    for id_, content in rows:
        if is_superseded(content):
            _drop_bytes(db, id_)
            _empty(db, id_, now_ms)


def forget_message(db: SqlConnection, message: bytes, now_ms: int) -> None:
    """Do the same for a message of which nothing is left: should it have to be sealed again, it fails."""
    wipe(db, message, now_ms, lambda _: True)
    db.execute("UPDATE outbox SET message_cursor = 0 WHERE message = ?", (message,))


def _drop_bytes(db: SqlConnection, message: bytes) -> None:
    db.execute(
        "UPDATE outbox SET wiped = 1, envelope = CASE state WHEN 'sealed' THEN envelope END "
        "WHERE message = ?",
        (message,),
    )


def _empty(db: SqlConnection, id_: bytes, now_ms: int) -> None:
    db.execute("UPDATE outbox SET content = x'' WHERE message = ?", (id_,))
    db.execute(
        "UPDATE outbox SET state = 'failed', reason = ?, failed_at_ms = ? "
        "WHERE message = ? AND state = 'queued'",
        (SUPERSEDED, now_ms, id_),
    )


def _add(
    db: SqlConnection,
    id_: bytes,
    channel: bytes,
    content: bytes,
    *,
    subject: bytes | None,
    now_ms: int,
    expires_at_ms: int | None = None,
) -> None:
    db.execute(
        "INSERT INTO outbox (message, message_cursor, channel, state, queued_at_ms, content, "
        "size, subject, expires_at_ms) VALUES (?, 0, ?, 'queued', ?, ?, ?, ?, ?)",
        (id_, channel, now_ms, content, len(content), subject, expires_at_ms),
    )
