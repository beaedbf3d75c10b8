"""Indexing: put the words of messages into the index, behind the messages themselves.

What arrives costs nothing more for it: a cursor says how far the index is, and it follows in batches while nobody
waits, or when somebody searches. Changes of messages that are in the index reach it in their own transaction
(content_schema).
"""

from peerpost_daemon.vault.connection import SqlConnection

BATCH = 256


def behind(db: SqlConnection) -> bool:
    """Tell whether there are messages whose words are not in the index."""
    (newest,) = db.execute("SELECT coalesce(max(cursor), 0) FROM message").fetchone()
    return int(newest) > _upto(db)


def batch(db: SqlConnection, limit: int = BATCH) -> int:
    """Put the next messages into the index; return how many."""
    upto = _upto(db)
    row = db.execute(
        "SELECT count(*), max(cursor) FROM "
        "(SELECT cursor FROM message WHERE cursor > ? ORDER BY cursor LIMIT ?)",
        (upto, limit),
    ).fetchone()
    count, last = row
    if count:
        db.execute(
            "INSERT INTO word (rowid, text, title, place, author) "
            "SELECT cursor, text, title, place, author FROM searchable "
            "WHERE cursor > ? AND cursor <= ?",
            (upto, last),
        )
        db.execute("UPDATE indexed SET upto = ?", (last,))
    return int(count)


def _upto(db: SqlConnection) -> int:
    return int(db.execute("SELECT upto FROM indexed").fetchone()[0])
