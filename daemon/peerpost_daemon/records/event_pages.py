"""Event pages: what a subscriber reads, events and the messages they bring in one go."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct

from peerpost_daemon import event_data
from peerpost_daemon.records.messages import COLUMNS, StoredMessage, of_row
from peerpost_daemon.vault.connection import SqlConnection

MAX_SCANNED: Final = 20_000
"""Events one read passes over: a narrow filter must not hold up the other readers."""
PASSED_OVER: Final = 1_000
"""Unwanted events after which it is worth a write to note that they need not be looked at again."""


class Filter(Struct, frozen=True):
    """Say which events are wanted; null is all. Events of no channel belong to no list of them."""

    channels: frozenset[bytes] | None = None
    kinds: frozenset[str] | None = None

    def within(self, channels: frozenset[bytes] | None) -> "Filter":
        """Return what of it stands in some channels; None: all of it."""
        if channels is None:
            return self
        both = channels if self.channels is None else self.channels & channels
        return Filter(both, self.kinds)


class PagedEvent(Struct, frozen=True):
    """Be an event with what it brings: JSON, or a stored message, or what changed of one.

    Both are null when the message is not there any more.
    """

    cursor: int
    at_ms: int
    kind: str
    data: bytes | None
    message: StoredMessage | None


class Page(Struct, frozen=True):
    """Be some events, the cursor up to which no other is wanted, and whether events follow it."""

    events: list[PagedEvent]
    upto: int
    more: bool


_JOINED: Final = (
    "SELECT event.cursor, event.at_ms, event.kind, event.data, message.cursor, "
    "coalesce(peer, name), coalesce(outbox.state, outcome), " + COLUMNS + " "
    "FROM event LEFT JOIN message ON message.cursor = event.message "
    "LEFT JOIN channel ON channel.id = message.channel "
    "LEFT JOIN outbox ON mine AND outbox.message = message.id "
)
_SELECT: Final = f"{_JOINED}WHERE event.cursor > ? AND event.cursor <= ?"


def page(db: SqlConnection, after: int, wanted: Filter, *, limit: int, limit_bytes: int) -> Page:
    """Return the wanted events after a cursor, oldest first; at least one if there is one."""
    newest = db.execute("SELECT coalesce(max(cursor), 0) FROM event").fetchone()[0]
    first = db.execute("SELECT min(cursor) FROM event WHERE cursor > ?", (after,)).fetchone()[0]
    if first is None:
        return Page([], after, more=False)
    last = min(newest, first + MAX_SCANNED - 1)
    conditions, values = _conditions(wanted)
    rows = db.execute(f"{_SELECT}{conditions} ORDER BY event.cursor", (after, last, *values))
    events, whole = _taken(islice(rows, limit), limit_bytes)
    upto = last if whole and len(events) < limit else events[-1].cursor
    return Page(events, upto, more=upto < newest)


def these(
    db: SqlConnection,
    cursors: Sequence[int],
    limit_bytes: int,
    channels: frozenset[bytes] | None = None,
) -> list[PagedEvent]:
    """Return the events at some cursors in the given order, until their bodies hold so much.

    What is not there any more, or not in one of the channels (None: all), is left out; at least one comes if there is
    one.
    """
    marks = ", ".join("?" * len(cursors))
    conditions, values = _conditions(Filter(channels))
    rows = db.execute(
        f"{_JOINED}WHERE event.cursor IN ({marks}){conditions} ORDER BY event.cursor",
        (*cursors, *values),
    )
    events, _ = _taken(rows, limit_bytes)
    return events


def cursors(
    db: SqlConnection, after: int, wanted: Filter, *, limit: int, scanned: int = MAX_SCANNED
) -> tuple[list[int], int]:
    """Return the cursors of wanted events after a cursor, and the one up to which no other is wanted."""
    # Two questions: SQLite finds one end of the table at once, and reads all of it for both.
    oldest = db.execute("SELECT min(cursor) FROM event WHERE cursor > ?", (after,)).fetchone()[0]
    newest = db.execute("SELECT max(cursor) FROM event").fetchone()[0]
    if oldest is None:
        return [], after
    last = min(newest, oldest + scanned - 1)
    conditions, values = _conditions(wanted)
    rows = db.execute(
        f"SELECT cursor FROM event WHERE cursor > ? AND cursor <= ?{conditions} "  # noqa: S608  constant text
        "ORDER BY cursor",
        (after, last, *values),
    ).fetchmany(limit)
    found = [row[0] for row in rows]
    return found, found[-1] if len(found) == limit else last


def _conditions(wanted: Filter) -> tuple[str, list[bytes | str]]:
    conditions, values = "", list[bytes | str]()
    for column, allowed in (("channel", wanted.channels), ("kind", wanted.kinds)):
        if allowed is not None:
            conditions += f" AND event.{column} IN ({', '.join('?' * len(allowed))})"
            values += sorted(allowed)
    return conditions, values


def _taken(rows: Iterable[tuple[object, ...]], limit_bytes: int) -> tuple[list[PagedEvent], bool]:
    """Take rows until their bodies hold so much; say whether that was all of them."""
    events, held = list[PagedEvent](), 0
    for row in rows:
        event = _event(row)
        events.append(event)
        held += len(event.message.message.body) if event.message else 0
        if held >= limit_bytes:
            return events, False
    return events, True


def _event(row: tuple[object, ...]) -> PagedEvent:
    cursor, at_ms, kind, data, message_cursor, name, status, *cells = row
    stored = None
    if message_cursor is not None:
        stored = StoredMessage(message_cursor, of_row(tuple(cells)), name, status)  # type: ignore[arg-type]
    elif kind == event_data.MESSAGE_CHANGED:
        data = None
    return PagedEvent(cursor, at_ms, kind, data, stored)  # type: ignore[arg-type]
