"""Held: the events of a queue that were taken and are not done with yet.

    waiting  ──take──▶  flying  ──done──▶  (gone)
       ▲                  │
       ├── defer, expire ─┤
       └── requeue ─ dead ◀── after `max_attempts` deliveries

Everything up to the consumer's `acknowledged` cursor is done with, but for these: so events may be done with in any
order, and what was done with never comes again, whatever is killed when. How long an answer may take is measured by
whoever delivered; what still flies when the vault is opened has nobody who would answer.
"""

from collections.abc import Iterable

from msgspec import Struct

from peerpost_daemon.records import consumers, event_pages
from peerpost_daemon.records.consumers import MAX_HELD, Consumer
from peerpost_daemon.vault.connection import SqlConnection


class Flight(Struct, frozen=True):
    """Be an event on its way to a reader: this is its `attempt`-th delivery."""

    cursor: int
    attempt: int


class DeadLetter(Struct, frozen=True):
    """Be an event that was delivered as often as its consumer allows."""

    cursor: int
    attempt: int
    reason: str | None


class Held(Struct, frozen=True):
    """Count what a consumer holds. `deferred`: waiting for another delivery."""

    flying: int
    deferred: int
    dead: int
    first: int | None  # the lowest cursor that flies or waits


def take(db: SqlConnection, consumer: Consumer, room: int, now_ms: int) -> list[Flight]:
    """Let at most `room` events fly: those that are due again, then new ones, by their cursor."""
    rows = db.execute(
        "UPDATE held SET state = 'flying', attempt = attempt + 1 WHERE consumer = ?1 AND cursor IN "
        "(SELECT cursor FROM held WHERE consumer = ?1 AND state = 'waiting' AND due_at_ms <= ?2 "
        "ORDER BY cursor LIMIT ?3) RETURNING cursor, attempt",
        (consumer.name, now_ms, room),
    ).fetchall()
    again = [Flight(*row) for row in sorted(rows)]
    return again + _take_new(db, consumer, room - len(again))


def _take_new(db: SqlConnection, consumer: Consumer, room: int) -> list[Flight]:
    room = min(room, MAX_HELD - _count(db, consumer.name))
    if room <= 0:
        return []
    cursors, upto = event_pages.cursors(
        db, consumer.acknowledged, consumer.terms.wanted, limit=room
    )
    db.executemany(
        "INSERT INTO held (consumer, cursor, state, attempt, due_at_ms, delay_ms) "
        "VALUES (?, ?, 'flying', 1, 0, 0)",
        [(consumer.name, cursor) for cursor in cursors],
    )
    if upto > consumer.acknowledged:
        consumers.advance(db, consumer.name, upto)
    return [Flight(cursor, 1) for cursor in cursors]


def can_take(db: SqlConnection, consumer: Consumer, now_ms: int) -> bool:
    """Say whether `take` would have something to do; asked of the reader, it spares a transaction."""
    due = db.execute(
        "SELECT 1 FROM held WHERE consumer = ? AND state = 'waiting' AND due_at_ms <= ? LIMIT 1",
        (consumer.name, now_ms),
    ).fetchone()
    if due is not None:
        return True
    if _count(db, consumer.name) >= MAX_HELD:
        return False
    cursors, upto = event_pages.cursors(db, consumer.acknowledged, consumer.terms.wanted, limit=1)
    return bool(cursors) or upto - consumer.acknowledged >= event_pages.PASSED_OVER


def done(db: SqlConnection, name: str, cursor: int) -> bool:
    """Let go of an event; return whether it was held."""
    return bool(
        db.execute("DELETE FROM held WHERE consumer = ? AND cursor = ?", (name, cursor)).rowcount
    )


def attempt_of(db: SqlConnection, name: str, cursor: int) -> int | None:
    """Return which delivery of an event is its newest, None when it is not held."""
    row = db.execute(
        "SELECT attempt FROM held WHERE consumer = ? AND cursor = ?", (name, cursor)
    ).fetchone()
    return row[0] if row else None


def defer(
    db: SqlConnection, consumer: Consumer, cursor: int, *, delay_ms: int, now_ms: int
) -> str | None:
    """Take an event back for later; return its state then, None when it is not in anybody's hands."""
    where = "consumer = ? AND cursor = ? AND state != 'dead'"
    return _fail(
        db, consumer, where, (consumer.name, cursor), ("refused", now_ms + delay_ms, delay_ms)
    )


def expire(db: SqlConnection, consumer: Consumer, flight: Flight, reason: str) -> str | None:
    """Take an event back whose answer did not come; return its state then, None when it came."""
    where = "consumer = ? AND cursor = ? AND state = 'flying' AND attempt = ?"
    values = (consumer.name, flight.cursor, flight.attempt)
    return _fail(db, consumer, where, values, (reason, 0, 0))


def put_back(db: SqlConnection, name: str, flights: Iterable[Flight]) -> None:
    """Take events back that never left: this was no attempt."""
    db.executemany(
        "UPDATE held SET state = 'waiting', attempt = attempt - 1, due_at_ms = 0, delay_ms = 0 "
        "WHERE consumer = ? AND cursor = ? AND state = 'flying' AND attempt = ?",
        [(name, flight.cursor, flight.attempt) for flight in flights],
    )


def land(db: SqlConnection, name: str | None = None) -> None:
    """Take back whatever flies, of one consumer or of all, when nobody is there who could answer."""
    db.execute(
        "UPDATE held SET state = CASE WHEN attempt >= (SELECT max_attempts FROM consumer "
        "WHERE name = held.consumer) THEN 'dead' ELSE 'waiting' END, due_at_ms = 0, delay_ms = 0, "
        "reason = 'interrupted' WHERE state = 'flying' AND (?1 IS NULL OR consumer = ?1)",
        (name,),
    )


def wake_up(db: SqlConnection, now_ms: int) -> None:
    """Begin as the vault opens: nothing flies, and nothing waits longer than it was told to."""
    land(db)
    db.execute(
        "UPDATE held SET due_at_ms = min(due_at_ms, ? + delay_ms) WHERE state = 'waiting'",
        (now_ms,),
    )


def next_due(db: SqlConnection, name: str) -> int | None:
    """Return when the next deferred event is due, ms since the epoch."""
    row = db.execute(
        "SELECT min(due_at_ms) FROM held WHERE consumer = ? AND state = 'waiting'", (name,)
    ).fetchone()
    return row[0] if row else None


def summary(db: SqlConnection, name: str) -> Held:
    """Count what a consumer holds."""
    rows = db.execute(
        "SELECT state, count(*), min(cursor) FROM held WHERE consumer = ? GROUP BY state", (name,)
    ).fetchall()
    counts = {row[0]: row[1] for row in rows}
    firsts = [row[2] for row in rows if row[0] != "dead"]
    return Held(
        counts.get("flying", 0),
        counts.get("waiting", 0),
        counts.get("dead", 0),
        min(firsts, default=None),
    )


def cursor_of(db: SqlConnection, consumer: Consumer) -> int:
    """Return the cursor up to which a consumer is done with everything but its dead letters."""
    first = summary(db, consumer.name).first
    return consumer.acknowledged if first is None else first - 1


def dead_letters(db: SqlConnection, name: str, after: int, limit: int) -> list[DeadLetter]:
    """Return dead letters after a cursor, oldest first."""
    rows = db.execute(
        "SELECT cursor, attempt, reason FROM held WHERE consumer = ? AND state = 'dead' "
        "AND cursor > ? ORDER BY cursor LIMIT ?",
        (name, after, limit),
    ).fetchall()
    return [DeadLetter(*row) for row in rows]


def requeue(db: SqlConnection, name: str, cursor: int | None) -> int:
    """Give dead letters, or one, their attempts anew; return how many."""
    return db.execute(
        "UPDATE held SET state = 'waiting', attempt = 0, due_at_ms = 0, delay_ms = 0 "
        "WHERE consumer = ?1 AND state = 'dead' AND (?2 IS NULL OR cursor = ?2)",
        (name, cursor),
    ).rowcount


def discard(db: SqlConnection, name: str, cursor: int | None) -> int:
    """Be done with dead letters, or one; return how many."""
    return db.execute(
        "DELETE FROM held WHERE consumer = ?1 AND state = 'dead' AND (?2 IS NULL OR cursor = ?2)",
        (name, cursor),
    ).rowcount


def _fail(
    db: SqlConnection,
    consumer: Consumer,
    where: str,
    values: tuple[object, ...],
    why: tuple[str, int, int],
) -> str | None:
    row = db.execute(
        "UPDATE held SET state = iif(attempt >= ?, 'dead', 'waiting'), reason = ?, "  # noqa: S608
        f"due_at_ms = ?, delay_ms = ? WHERE {where} RETURNING state",
        (consumer.terms.max_attempts, *why, *values),
    ).fetchone()
    return row[0] if row else None


def _count(db: SqlConnection, name: str) -> int:
    return int(db.execute("SELECT count(*) FROM held WHERE consumer = ?", (name,)).fetchone()[0])
