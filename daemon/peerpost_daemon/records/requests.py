"""Requests: channels that others added this account to, and what waits in them until somebody here has answered.

What waits is kept as it came, unopened: it is neither shown nor acknowledged. A request that is full keeps the
beginning; the rest is at the relay and is read from there when the request is accepted.
"""

import msgspec
from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.frames import Item, ItemKind
from peerpost_protocol.roster import Roster

MAX_REQUESTS = 256
MAX_REQUESTS_OF_ONE = 16
"""Requests of one inviter."""
MAX_ITEMS = 256
"""Items that are kept of one request."""
MAX_BYTES = 1024 * 1024
"""Bytes that are kept of one request."""
MAX_ALL_BYTES = 32 * 1024 * 1024
"""Bytes that are kept of all requests together."""

_decode_roster = msgspec.msgpack.Decoder(Roster)
_encode_roster = msgspec.msgpack.Encoder().encode


class Waiting(Struct, frozen=True):
    """Be a request. `full`: more is at the relay than is kept here."""

    channel: bytes
    inviter: str
    at_ms: int
    items: int
    bytes: int
    full: bool


_COLUMNS = "channel, inviter, at_ms, items, bytes, full"


def everything(db: SqlConnection) -> list[Waiting]:
    """Return all requests, oldest first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM request ORDER BY at_ms, channel")  # noqa: S608  constant
    return [_waiting(row) for row in rows.fetchall()]


def find(db: SqlConnection, channel: bytes) -> Waiting | None:
    """Return the request about a channel."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM request WHERE channel = ?",  # noqa: S608  constant
        (channel,),
    ).fetchone()
    return _waiting(row) if row else None


def has_room(db: SqlConnection, inviter: str) -> bool:
    """Say whether another request of an inviter may wait."""
    (every,) = db.execute("SELECT count(*) FROM request").fetchone()
    (theirs,) = db.execute("SELECT count(*) FROM request WHERE inviter = ?", (inviter,)).fetchone()
    return int(every) < MAX_REQUESTS and int(theirs) < MAX_REQUESTS_OF_ONE


def add(db: SqlConnection, roster: Roster, inviter: str, position: int, at_ms: int) -> None:
    """Begin a request with the event at a position, which added this account."""
    db.execute(
        "INSERT OR REPLACE INTO request (channel, inviter, at_ms, roster, upto) "
        "VALUES (?, ?, ?, ?, ?)",
        (roster.channel, inviter, at_ms, _encode_roster(roster), position),
    )


def keep(db: SqlConnection, channel: bytes, item: Item) -> None:
    """Keep an item as it came, if there is room; what came before a full request stays its beginning."""
    waiting = find(db, channel)
    if waiting is None or item.position <= _upto(db, channel):
        return
    fits = not waiting.full and _fits(db, waiting, len(item.body))
    if fits:
        db.execute(
            "INSERT OR REPLACE INTO request_item VALUES (?, ?, ?, ?, ?)",
            (channel, item.position, item.kind.value, item.stored_at_ms, item.body),
        )
    db.execute(
        "UPDATE request SET upto = ?, items = items + ?, bytes = bytes + ?, full = ? "
        "WHERE channel = ?",
        (item.position, fits, len(item.body) if fits else 0, not fits, channel),
    )


def roster(db: SqlConnection, channel: bytes) -> Roster:
    """Return the roster as it was when this account was added."""
    (stored,) = db.execute("SELECT roster FROM request WHERE channel = ?", (channel,)).fetchone()
    return _decode_roster.decode(stored)


def items(db: SqlConnection, channel: bytes, after: int, limit: int) -> tuple[Item, ...]:
    """Return kept items after a position, in their order."""
    rows = db.execute(
        "SELECT position, kind, stored_at_ms, body FROM request_item "
        "WHERE channel = ? AND position > ? ORDER BY position LIMIT ?",
        (channel, after, limit),
    )
    return tuple(Item(row[0], ItemKind(row[1]), row[2], row[3]) for row in rows.fetchall())


def forget(db: SqlConnection, channel: bytes) -> None:
    """Remove a request and what was kept of it."""
    db.execute("DELETE FROM request_item WHERE channel = ?", (channel,))
    db.execute("DELETE FROM request WHERE channel = ?", (channel,))


def rewind_all(db: SqlConnection) -> None:
    """Keep anew what the relay brings: its positions are new."""
    db.execute("DELETE FROM request_item")
    db.execute("UPDATE request SET upto = 0, items = 0, bytes = 0, full = 0")


def _fits(db: SqlConnection, waiting: Waiting, size: int) -> bool:
    (every,) = db.execute("SELECT coalesce(sum(bytes), 0) FROM request").fetchone()
    return (
        waiting.items < MAX_ITEMS
        and waiting.bytes + size <= MAX_BYTES
        and int(every) + size <= MAX_ALL_BYTES
    )


def _upto(db: SqlConnection, channel: bytes) -> int:
    (upto,) = db.execute("SELECT upto FROM request WHERE channel = ?", (channel,)).fetchone()
    return int(upto)


def _waiting(row: tuple[bytes, str, int, int, int, int]) -> Waiting:
    return Waiting(*row[:5], full=bool(row[5]))
