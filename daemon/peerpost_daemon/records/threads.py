"""Threads: a message that answers belongs to the thread of what it answers.

A thread goes by the id of its first message. It is stored with each answer and never followed, so answers in a circle
are a thread like any other.
"""

from peerpost_daemon.vault.connection import SqlConnection

MAX_GATHERED = 256
"""Messages that join another thread when the one they answer turns out to be an answer itself."""


def of(db: SqlConnection, channel: bytes | None, reply_to: bytes | None) -> bytes | None:
    """Return the thread of an answer: that of the message it answers, or that message."""
    if reply_to is None:
        return None
    # The pluses keep SQLite from looking through the channel: by id there is an index.
    row = db.execute(
        "SELECT thread FROM message WHERE id = ? AND +channel IS ? ORDER BY +cursor LIMIT 1",
        (reply_to, channel),
    ).fetchone()
    found: bytes | None = row[0] if row else None
    return found or reply_to


def gather(db: SqlConnection, cursor: int, thread: bytes) -> None:
    """Let those that came before the message they answer, at `cursor` now, join its thread.

    Not those of another channel, and none where the id was taken before: whoever copies it must not move answers away.
    """
    id_, channel, taken = db.execute(
        "SELECT id, channel, EXISTS (SELECT 1 FROM message AS first WHERE first.id = new.id "
        "AND +first.channel IS new.channel AND first.cursor < new.cursor) "
        "FROM message AS new WHERE cursor = ?",
        (cursor,),
    ).fetchone()
    if not taken:
        db.execute(
            "UPDATE message SET thread = ? WHERE cursor IN (SELECT cursor FROM message "
            "WHERE thread = ? AND +channel IS ? ORDER BY cursor LIMIT ?)",
            (thread, id_, channel, MAX_GATHERED),
        )
