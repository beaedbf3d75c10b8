"""Events: everything a local tool may want to hear, in one numbered stream.

An event that brings a message holds only its place: text stands once in the vault.
"""

import msgspec
from msgspec import Struct

from peerpost_daemon import event_data
from peerpost_daemon.records import consumers
from peerpost_daemon.vault.connection import SqlConnection

MAX_EVENTS = 1_000_000
"""Older ones are pruned, acknowledged or not; the messages themselves stay."""
MAX_AGE_MS = 365 * 86_400_000
MIN_EVENTS = 10_000
"""So many of the newest stay however old they are."""
PRUNE_EVERY = 1_000
"""Events after which it is looked whether some have to go."""

_encode = msgspec.json.Encoder().encode


class Event(Struct, frozen=True):
    """Be an event as it is stored: `message` is a message's cursor, `data` JSON otherwise."""

    cursor: int
    at_ms: int
    kind: str
    channel: bytes | None
    message: int | None
    data: bytes | None


def add(
    db: SqlConnection, kind: str, at_ms: int, data: Struct, *, channel: bytes | None = None
) -> None:
    """Append an event whose data is a struct."""
    _insert(db, at_ms, (kind, channel, None, _encode(data)))


def add_message(db: SqlConnection, at_ms: int, channel: bytes, cursor: int) -> None:
    """Append the event that brings a stored message."""
    _insert(db, at_ms, (event_data.MESSAGE, channel, cursor, None))


def add_change(
    db: SqlConnection, at_ms: int, channel: bytes, cursor: int, change: event_data.ChangeData
) -> None:
    """Append the event that says what became of a stored message."""
    _insert(db, at_ms, (event_data.MESSAGE_CHANGED, channel, cursor, _encode(change)))


def page(db: SqlConnection, after: int, limit: int) -> list[Event]:
    """Return the events after a cursor, oldest first."""
    rows = db.execute(
        "SELECT cursor, at_ms, kind, channel, message, data FROM event WHERE cursor > ? "
        "ORDER BY cursor LIMIT ?",
        (after, limit),
    ).fetchall()
    return [Event(*row) for row in rows]


def newest(db: SqlConnection) -> int:
    """Return the newest cursor, 0 when there is none."""
    row = db.execute("SELECT max(cursor) FROM event").fetchone()
    return int(row[0] or 0)


def at_time(db: SqlConnection, time_ms: int) -> int:
    """Return the cursor after which the events since a time stand."""
    # The plus keeps SQLite from looking through the table by cursor: by time there is an index.
    (first,) = db.execute("SELECT min(+cursor) FROM event WHERE at_ms >= ?", (time_ms,)).fetchone()
    return int(first) - 1 if first is not None else newest(db)


def prune(db: SqlConnection, now_ms: int) -> int:
    """Remove what is beyond the bounds, acknowledged or not, and tell who loses by it; return how many.

    By count, and by age; of age nothing dies that is among the newest, so that a clock that jumped empties no vault.
    """
    last = newest(db)
    oldest_kept = max(last - MAX_EVENTS + 1, min(_first_since(db, now_ms), last - MIN_EVENTS + 1))
    gone = db.execute("DELETE FROM event WHERE cursor < ?", (oldest_kept,)).rowcount
    if gone:
        for name, lost in consumers.lose(db, oldest_kept):
            detail = f"{lost} events before {oldest_kept} of the consumer {name}"
            add(db, event_data.DAEMON, now_ms, event_data.DaemonData("events_lost", detail))
    return gone


def _first_since(db: SqlConnection, now_ms: int) -> int:
    """Return the first cursor of which nothing is older than MAX_AGE_MS."""
    (last_old,) = db.execute(
        "SELECT max(+cursor) FROM event WHERE at_ms < ?", (now_ms - MAX_AGE_MS,)
    ).fetchone()
    return int(last_old or 0) + 1


def _insert(db: SqlConnection, at_ms: int, row: tuple[object, ...]) -> None:
    cursor = db.execute(
        "INSERT INTO event (at_ms, kind, channel, message, data) VALUES (?, ?, ?, ?, ?)",
        (at_ms, *row),
    ).lastrowid
    if cursor is not None and cursor % PRUNE_EVERY == 0:
        prune(db, at_ms)


def has_change(db: SqlConnection, after: int, upto: int) -> bool:
    """Say whether a message was changed by an event with after < cursor <= upto."""
    row = db.execute(
        "SELECT 1 FROM event WHERE cursor > ? AND cursor <= ? AND kind = ? LIMIT 1",
        (after, upto, event_data.MESSAGE_CHANGED),
    ).fetchone()
    return row is not None
