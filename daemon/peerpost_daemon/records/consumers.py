"""Consumers: named readers of events, what they want, and how far they are.

`acknowledged` is the cursor up to which everything is done with, but for what stands in `held`. A consumer without
`ack_ms` holds nothing: it acknowledges everything up to a cursor. One with it is a queue: its events are taken, and
done with, one by one (`held`).
"""

from typing import Final

from msgspec import Struct

from peerpost_daemon.records import event_pages
from peerpost_daemon.records.event_pages import Filter
from peerpost_daemon.vault.connection import SqlConnection

DEFAULT_WINDOW: Final = 100
LAGGING_SCANNED: Final = 200_000
"""Events that one look for consumers that lag passes over, divided among them."""
LAGGING_MS: Final = 3_600_000
"""How long a wanted event may wait before its consumer is reported."""
MAX_HELD: Final = 10_000
"""Events one consumer may hold; with so many it takes no new ones until some are done with."""
_ID_BYTES: Final = 32


class Terms(Struct, frozen=True):
    """Be how a consumer wants its events: which, how many at once, and what an unanswered one becomes."""

    wanted: Filter = Filter()
    window: int = DEFAULT_WINDOW
    ack_ms: int | None = None
    max_attempts: int | None = None

    @property
    def is_queue(self) -> bool:
        """Return whether events are done with one by one."""
        return self.ack_ms is not None


class Consumer(Struct, frozen=True):
    """Be a consumer. `lost`: events that were pruned before it was done with them."""

    name: str
    acknowledged: int
    terms: Terms
    created_at_ms: int
    acknowledged_at_ms: int | None
    lost: int


class Lagging(Struct, frozen=True):
    """Be a consumer that somebody should look after, and why.

    `reason`: `silent` (an event has waited longer than LAGGING_MS) or `full` (it holds MAX_HELD, dead letters included,
    and takes no new ones). `behind`: events after its cursor, whether it wants them or not.
    """

    consumer: str
    reason: str
    behind: int
    held: int
    oldest_at_ms: int | None
    acknowledged_at_ms: int | None


_SELECT = (
    "SELECT name, acknowledged, channels, kinds, window, ack_ms, max_attempts, created_at_ms, "
    "acknowledged_at_ms, lost FROM consumer"
)


def find(db: SqlConnection, name: str) -> Consumer | None:
    """Return the consumer of that name."""
    row = db.execute(f"{_SELECT} WHERE name = ?", (name,)).fetchone()
    return _consumer(row) if row else None


def everyone(db: SqlConnection) -> list[Consumer]:
    """Return all consumers by name."""
    return [_consumer(row) for row in db.execute(f"{_SELECT} ORDER BY name").fetchall()]


def count(db: SqlConnection, begins: str = "") -> int:
    """Return how many there are whose names begin so."""
    return int(
        db.execute(
            "SELECT count(*) FROM consumer WHERE substr(name, 1, length(?1)) = ?1", (begins,)
        ).fetchone()[0]
    )


def add(db: SqlConnection, name: str, acknowledged: int, terms: Terms, now_ms: int) -> None:
    """Begin a consumer."""
    db.execute(
        "INSERT INTO consumer (name, acknowledged, created_at_ms) VALUES (?, ?, ?)",
        (name, acknowledged, now_ms),
    )
    set_terms(db, name, terms)


def set_terms(db: SqlConnection, name: str, terms: Terms) -> None:
    """Store how a consumer wants its events from now on."""
    channels, kinds = terms.wanted.channels, terms.wanted.kinds
    db.execute(
        "UPDATE consumer SET channels = ?, kinds = ?, window = ?, ack_ms = ?, max_attempts = ? "
        "WHERE name = ?",
        (
            None if channels is None else b"".join(sorted(channels)),
            None if kinds is None else ",".join(sorted(kinds)),
            terms.window,
            terms.ack_ms,
            terms.max_attempts,
            name,
        ),
    )


def acknowledge(db: SqlConnection, name: str, cursor: int, now_ms: int) -> int:
    """Move a consumer's cursor forward, never back nor beyond the newest event; return it."""
    (acknowledged,) = db.execute(
        "UPDATE consumer SET acknowledged_at_ms = ?, acknowledged = max(acknowledged, min(?, "
        "(SELECT coalesce(max(cursor), 0) FROM event))) WHERE name = ? RETURNING acknowledged",
        (now_ms, cursor, name),
    ).fetchone()
    return int(acknowledged)


def answered(db: SqlConnection, name: str, now_ms: int) -> None:
    """Note that a consumer has answered for an event."""
    db.execute("UPDATE consumer SET acknowledged_at_ms = ? WHERE name = ?", (now_ms, name))


def advance(db: SqlConnection, name: str, cursor: int) -> None:
    """Note that everything wanted up to a cursor has been taken by a queue."""
    db.execute(
        "UPDATE consumer SET acknowledged = max(acknowledged, ?) WHERE name = ?", (cursor, name)
    )


def tell_lost(db: SqlConnection, name: str) -> int:
    """Return how many events were lost since this was asked last."""
    row = db.execute("SELECT untold FROM consumer WHERE name = ?", (name,)).fetchone()
    if row is None or not row[0]:
        return 0
    db.execute("UPDATE consumer SET untold = 0 WHERE name = ?", (name,))
    return int(row[0])


def lose(db: SqlConnection, before: int) -> list[tuple[str, int]]:
    """Take from every consumer what stands before a cursor; return (name, how many) of those who lose.

    What a consumer did not want counts too: nobody can tell any more.
    """
    losers = db.execute(
        "SELECT name, max(0, ?1 - 1 - acknowledged) + (SELECT count(*) FROM held "
        "WHERE consumer = name AND held.cursor < ?1) AS gone FROM consumer WHERE gone > 0",
        (before,),
    ).fetchall()
    db.execute("DELETE FROM held WHERE cursor < ?", (before,))
    for name, gone in losers:
        db.execute(
            "UPDATE consumer SET acknowledged = max(acknowledged, ?), lost = lost + ?, "
            "untold = untold + ? WHERE name = ?",
            (before - 1, gone, gone, name),
        )
    return losers


def lagging(db: SqlConnection, now_ms: int) -> list[Lagging]:
    """Return the consumers that do not keep up, by name."""
    newest = db.execute("SELECT coalesce(max(cursor), 0) FROM event").fetchone()[0]
    found, all_ = [], everyone(db)
    share = min(event_pages.MAX_SCANNED, LAGGING_SCANNED // max(1, len(all_)))
    for consumer in all_:
        held, first = db.execute(
            "SELECT count(*), min(iif(state = 'dead', NULL, cursor)) FROM held WHERE consumer = ?",
            (consumer.name,),
        ).fetchone()
        oldest = _at_ms(db, first) if first else _oldest_wanted(db, consumer, share)
        late = oldest is not None and now_ms - oldest > LAGGING_MS
        if late or held >= MAX_HELD:
            behind = newest - (consumer.acknowledged if first is None else first - 1)
            reason = "full" if held >= MAX_HELD else "silent"
            asked = consumer.acknowledged_at_ms
            found.append(Lagging(consumer.name, reason, behind, held, oldest, asked))
    return found


def _oldest_wanted(db: SqlConnection, consumer: Consumer, share: int) -> int | None:
    after, wanted = consumer.acknowledged, consumer.terms.wanted
    cursors, _ = event_pages.cursors(db, after, wanted, limit=1, scanned=share)
    return _at_ms(db, cursors[0]) if cursors else None


def _at_ms(db: SqlConnection, cursor: int) -> int | None:
    row = db.execute("SELECT at_ms FROM event WHERE cursor = ?", (cursor,)).fetchone()
    return row[0] if row else None


def remove(db: SqlConnection, name: str) -> bool:
    """Forget a consumer and all it holds; return whether there was one."""
    db.execute("DELETE FROM held WHERE consumer = ?", (name,))
    return bool(db.execute("DELETE FROM consumer WHERE name = ?", (name,)).rowcount)


def _consumer(row: tuple[object, ...]) -> Consumer:
    name, acknowledged, channels, kinds, window, ack_ms, max_attempts, *rest = row
    wanted = Filter(
        _ids(channels) if isinstance(channels, bytes) else None,
        frozenset(filter(None, kinds.split(","))) if isinstance(kinds, str) else None,
    )
    terms = Terms(wanted, window, ack_ms, max_attempts)  # type: ignore[arg-type]
    return Consumer(name, acknowledged, terms, *rest)  # type: ignore[arg-type]


def _ids(joined: bytes) -> frozenset[bytes]:
    return frozenset(joined[at : at + _ID_BYTES] for at in range(0, len(joined), _ID_BYTES))
