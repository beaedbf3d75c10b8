"""Quarantine: items of a stream that were not taken, kept as they came so that they can be tried again.

Attacker: a member, or the relay, who sends rubbish without end. What is held has a bound in number and in bytes, for
each card (of what names no card: for each channel) and in all. Over a bound the oldest are let go, an eighth of it
at once, so that whoever is told of it is told seldom.
"""

from collections.abc import Sequence

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection

MAX_QUARANTINED = 10_000
MAX_QUARANTINED_BYTES = 256 * 1024 * 1024
MAX_QUARANTINED_OF_CARD = 1_000
"""So much of one card: who sends rubbish pushes out its own, and not what is held of others."""
MAX_QUARANTINED_BYTES_OF_CARD = 32 * 1024 * 1024
_LEFT_OF_BOUND = 7 / 8


class Held(Struct, frozen=True):
    """Be an envelope that was held back, with where it stood."""

    number: int
    channel: bytes
    position: int
    stored_at_ms: int
    body: bytes


class LetGo(Struct, frozen=True):
    """Be what had to give way: so many items with so many bytes."""

    count: int
    bytes: int


class _Bound(Struct, frozen=True):
    """Be a bound, and the condition of what it counts."""

    count: int
    size: int
    where: str = "1"
    values: tuple[bytes, ...] = ()


def hold(
    db: SqlConnection,
    channel: bytes,
    position: int,
    stored_at_ms: int,
    *,
    reason: str,
    card: bytes | None,
    body: bytes,
) -> LetGo | None:
    """Keep an item with the reason why it was not taken; return what had to be let go for it."""
    db.execute(
        "INSERT INTO quarantine (channel, position, stored_at_ms, reason, card, body) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (channel, position, stored_at_ms, reason, card, body),
    )
    who = channel if card is None else card
    share = db.execute("SELECT count, bytes FROM quarantine_share WHERE who = ?", (who,)).fetchone()
    of_one = _Bound(
        MAX_QUARANTINED_OF_CARD,
        MAX_QUARANTINED_BYTES_OF_CARD,
        "coalesce(card, channel) = ?",
        (who,),
    )
    gone = _keep_within(db, of_one, *share)
    all_ = db.execute("SELECT count, bytes FROM tally WHERE name = 'quarantine'").fetchone()
    more = _keep_within(db, _Bound(MAX_QUARANTINED, MAX_QUARANTINED_BYTES), *all_)
    count, size = gone.count + more.count, gone.bytes + more.bytes
    return LetGo(count, size) if count else None


def _keep_within(db: SqlConnection, bound: _Bound, count: int, size: int) -> LetGo:
    """Let the oldest go when the bound is passed; the newest always stays."""
    if count <= bound.count and size <= bound.size:
        return LetGo(0, 0)
    gone, gone_bytes, upto = 0, 0, 0
    rows = db.execute(
        f"SELECT number, length(body) FROM quarantine WHERE {bound.where} "  # noqa: S608  constants
        "ORDER BY number LIMIT ?",
        (*bound.values, count - 1),
    )
    for number, length in rows:
        gone, gone_bytes, upto = gone + 1, gone_bytes + length, number
        enough = count - gone <= bound.count * _LEFT_OF_BOUND
        if enough and size - gone_bytes <= bound.size * _LEFT_OF_BOUND:
            break
    db.execute(
        f"DELETE FROM quarantine WHERE {bound.where} AND number <= ?",  # noqa: S608  constants
        (*bound.values, upto),
    )
    return LetGo(gone, gone_bytes)


def held_back(db: SqlConnection, reasons: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """Return (card, channel) of all that was held back for one of two reasons."""
    return db.execute(
        "SELECT DISTINCT card, channel FROM quarantine WHERE card IS NOT NULL AND reason IN (?, ?)",
        tuple(reasons),
    ).fetchall()


def held_of(
    db: SqlConnection, card: bytes, channel: bytes, reasons: Sequence[str], limit: int
) -> list[Held]:
    """Return what was held back from a card in a channel for one of two reasons, oldest first."""
    rows = db.execute(
        "SELECT number, channel, position, stored_at_ms, body FROM quarantine "
        "WHERE card = ? AND channel = ? AND reason IN (?, ?) ORDER BY number LIMIT ?",
        (card, channel, *reasons, limit),
    ).fetchall()
    return [Held(*row) for row in rows]


def holds(db: SqlConnection, channel: bytes, card: bytes | None, body: bytes) -> bool:
    """Say whether an item is held already."""
    row = db.execute(
        "SELECT 1 FROM quarantine WHERE card IS ? AND channel = ? AND body = ? LIMIT 1",
        (card, channel, body),
    ).fetchone()
    return row is not None


def held_in(db: SqlConnection, channel: bytes, reason: str, limit: int) -> list[Held]:
    """Return what was held back in a channel for one reason, oldest first."""
    rows = db.execute(
        "SELECT number, channel, position, stored_at_ms, body FROM quarantine "
        "WHERE channel = ? AND reason = ? ORDER BY number LIMIT ?",
        (channel, reason, limit),
    ).fetchall()
    return [Held(*row) for row in rows]


def release(db: SqlConnection, number: int) -> None:
    """Remove an item that has been taken."""
    db.execute("DELETE FROM quarantine WHERE number = ?", (number,))
