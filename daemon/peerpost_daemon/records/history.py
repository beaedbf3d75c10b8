"""History: all stored messages, within a bound in bytes that an operator sets.

At the bound the oldest messages give way that nobody needs any more. Three kinds are needed: those that a named
consumer has not acknowledged (dead letters of a queue among them), those of our own that are not finished, and those
that came after the oldest of these two for a consumer. When what is left is still over the bound, nothing new is
stored: scripts are told `queue_full`, and what arrives stays at the relay and comes again. So what is held is at
most the bound and one batch, and nothing unacknowledged is lost.
"""

from peerpost_daemon import event_data
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import events, tallies
from peerpost_daemon.vault.connection import SqlConnection

MAX_HISTORY_BYTES = 8 * 1024 * 1024 * 1024
MAX_LET_GO = 512
"""Messages that give way in one transaction; the next one goes on."""
SPARE_PART = 64
"""This part of the bound is made free at once, and its half is kept free, so that it is seldom looked for."""
MAX_SPARE_BYTES = 4 * 1024 * 1024
RETRY_SECONDS = 5.0


def make_room(db: SqlConnection, max_bytes: int, now_ms: int) -> None:
    """Let the oldest messages go when the bound is passed; raise DaemonError queue_full if that is not enough."""
    held = tallies.history(db).bytes
    spare = min(max_bytes // SPARE_PART, MAX_SPARE_BYTES)
    if held < max_bytes - spare // 2:
        return
    count, freed = _let_go(db, held - max_bytes + spare)
    if count:
        detail = f"{count} of the oldest messages, {freed} bytes"
        events.add(db, event_data.DAEMON, now_ms, event_data.DaemonData("history_pruned", detail))
    elif held >= max_bytes:
        raise DaemonError(
            "queue_full",
            f"The history holds {held} bytes, as much as it may, and somebody still needs all of it.",
            retry_after=RETRY_SECONDS,
        )


def _let_go(db: SqlConnection, wanted: int) -> tuple[int, int]:
    """Remove the oldest messages that nobody needs, until so many bytes are free; return how many, and their bytes."""
    rows = db.execute(
        "SELECT message.cursor, length(CAST(body AS BLOB)) FROM message "
        "LEFT JOIN outbox ON mine AND outbox.message = message.id "
        "WHERE message.cursor < ?1 AND (state IS NULL OR state IN ('delivered', 'read', 'failed')) "
        "AND NOT EXISTS (SELECT 1 FROM event JOIN held USING (cursor) "
        "WHERE event.message = message.cursor) ORDER BY message.cursor LIMIT ?2",
        (first_needed(db), MAX_LET_GO),
    ).fetchall()
    gone, freed = list[tuple[int]](), 0
    for cursor, size in rows:
        if freed >= wanted:
            break
        gone.append((cursor,))
        freed += size
    db.executemany("DELETE FROM event WHERE message = ?", gone)
    db.executemany("DELETE FROM message WHERE cursor = ?", gone)
    return len(gone), freed


def first_needed(db: SqlConnection) -> int:
    """Return the first message that some consumer has not been given or has not acknowledged, by its cursor."""
    (done,) = db.execute("SELECT min(acknowledged) FROM consumer").fetchone()
    if done is None:  # nobody was promised anything
        return 2**62
    row = db.execute(
        "SELECT message FROM event WHERE cursor > ? AND message IS NOT NULL ORDER BY cursor LIMIT 1",
        (done,),
    ).fetchone()
    return int(row[0]) if row else 2**62
