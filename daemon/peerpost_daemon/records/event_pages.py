"""Event pages: what a subscriber reads, events and the messages they bring in one go."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from peerpost_daemon.records.messages import Message, StoredMessage
from peerpost_daemon.vault.connection import SqlConnection

MAX_SCANNED: Final = 20_000
"""Events one read passes over: a narrow filter must not hold up the other readers."""


class Filter(Struct, frozen=True):
    """Say which events are wanted; null is all. Events of no channel belong to no list of them."""

    channels: frozenset[bytes] | None = None
    kinds: frozenset[str] | None = None


class PagedEvent(Struct, frozen=True):
    """Be an event with what it brings: JSON, or a stored message."""

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


_SELECT: Final = (
    "SELECT event.cursor, event.at_ms, event.kind, event.data, message.cursor, "
    "coalesce(peer, name), outbox.state, message.id, message.channel, message.card, "
    "message.identity, mine, message.sequence, message.position, media_type, body, reply_to, "
    "message.sent_at_ms, received_at_ms, message.expires_at_ms "
    "FROM event LEFT JOIN message ON message.cursor = event.message "
    "LEFT JOIN channel ON channel.id = message.channel "
    "LEFT JOIN outbox ON mine AND outbox.message = message.id "
    "WHERE event.cursor > ? AND event.cursor <= ?"
)


def page(db: SqlConnection, after: int, wanted: Filter, *, limit: int, limit_bytes: int) -> Page:
    """Return the wanted events after a cursor, oldest first; at least one if there is one."""
    newest = db.execute("SELECT coalesce(max(cursor), 0) FROM event").fetchone()[0]
    first = db.execute("SELECT min(cursor) FROM event WHERE cursor > ?", (after,)).fetchone()[0]
    if first is None:
        return Page([], after, more=False)
    last = min(newest, first + MAX_SCANNED - 1)
    conditions, values = _conditions(wanted)
    rows = db.execute(
        f"{_SELECT}{conditions} ORDER BY event.cursor LIMIT ?", (after, last, *values, limit)
    )
    events, whole = _taken(rows, limit_bytes)
    upto = last if whole and len(events) < limit else events[-1].cursor
    return Page(events, upto, more=upto < newest)


def _conditions(wanted: Filter) -> tuple[str, list[bytes | str]]:
    conditions, values = "", list[bytes | str]()
    for column, allowed in (("channel", wanted.channels), ("kind", wanted.kinds)):
        if allowed is not None:
            conditions += f" AND event.{column} IN ({', '.join('?' * len(allowed))})"
            values += sorted(allowed)
    return conditions, values


def _taken(rows: Iterator[tuple[object, ...]], limit_bytes: int) -> tuple[list[PagedEvent], bool]:
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
        cells[4] = bool(cells[4])
        stored = StoredMessage(message_cursor, Message(*cells), name, status)  # type: ignore[arg-type]
    return PagedEvent(cursor, at_ms, kind, data, stored)  # type: ignore[arg-type]
