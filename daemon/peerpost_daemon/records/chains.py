"""Chains: what is known of each sender's envelopes, and what the others' receipts say of ours."""

import msgspec
from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link
from peerpost_protocol.limits import MAX_MISSING_PER_MARK, MAX_RECEIPT_MARKS
from peerpost_protocol.receipt import Mark

_encode = msgspec.msgpack.Encoder().encode
_decode_missing = msgspec.msgpack.Decoder(tuple[int, ...])


class Chain(Struct, frozen=True):
    """Be a sender's newest envelope in a channel and the sequences before it that never came."""

    last: Link
    missing: tuple[int, ...]


class Delivery(Struct, frozen=True):
    """Be what a card's receipt says of our envelopes: all up to `sequence` but the missing ones.

    The list holds the newest missing ones only: when it is full, nothing is said of what lies before it.
    """

    sequence: int
    missing: tuple[int, ...]

    def covers(self, sequence: int) -> bool:
        """Say whether the card has our envelope with this sequence."""
        if len(self.missing) >= MAX_MISSING_PER_MARK and sequence < min(self.missing):
            return False
        return sequence <= self.sequence and sequence not in self.missing


def chain(db: SqlConnection, channel: bytes, sender: bytes) -> Chain | None:
    """Return what is known of a sender."""
    row = db.execute(
        "SELECT sequence, id, missing FROM chain WHERE channel = ? AND sender = ?",
        (channel, sender),
    ).fetchone()
    return Chain(Link(row[0], row[1]), _decode_missing.decode(row[2])) if row else None


def known(db: SqlConnection, channel: bytes, sender: bytes, sequence: int) -> bytes | None:
    """Return the id of the envelope held at a sequence."""
    row = db.execute(
        "SELECT id FROM envelope WHERE channel = ? AND sender = ? AND sequence = ?",
        (channel, sender, sequence),
    ).fetchone()
    return row[0] if row else None


def previous_of(db: SqlConnection, channel: bytes, sender: bytes, sequence: int) -> bytes | None:
    """Return what the envelope held at a sequence names as the one before it."""
    row = db.execute(
        "SELECT previous FROM envelope WHERE channel = ? AND sender = ? AND sequence = ?",
        (channel, sender, sequence),
    ).fetchone()
    return row[0] if row else None


def add(
    db: SqlConnection, channel: bytes, sender: bytes, link: Link, previous: bytes | None
) -> None:
    """Store that an envelope is held."""
    db.execute(
        "INSERT INTO envelope (channel, sender, sequence, id, previous, era) VALUES "
        "(?1, ?2, ?3, ?4, ?5, coalesce((SELECT era FROM channel WHERE id = ?1), 0))",
        (channel, sender, link.sequence, link.id, previous),
    )


def seen_again(db: SqlConnection, channel: bytes, sender: bytes, sequence: int) -> bool:
    """Note that an envelope that is held has come again; return whether it may, once in each era."""
    cursor = db.execute(
        "UPDATE envelope SET era = (SELECT era FROM channel WHERE id = ?1) WHERE channel = ?1 "
        "AND sender = ?2 AND sequence = ?3 AND era < (SELECT era FROM channel WHERE id = ?1)",
        (channel, sender, sequence),
    )
    return bool(cursor.rowcount)


def set_chain(db: SqlConnection, channel: bytes, sender: bytes, chain: Chain) -> None:
    """Store a sender's newest state; only the newest of the missing sequences are kept."""
    missing = _encode(chain.missing[-MAX_MISSING_PER_MARK:])
    db.execute(
        "INSERT OR REPLACE INTO chain (channel, sender, sequence, id, missing) "
        "VALUES (?, ?, ?, ?, ?)",
        (channel, sender, chain.last.sequence, chain.last.id, missing),
    )


def doubt(db: SqlConnection, channel: bytes, sender: bytes, sequence: int) -> None:
    """Count a sequence as missing that is held, and of which another envelope was signed."""
    there = chain(db, channel, sender)
    if there is not None and sequence not in there.missing:
        missing = tuple(sorted((*there.missing, sequence)))
        set_chain(db, channel, sender, Chain(there.last, missing))


def marks(db: SqlConnection, channel: bytes) -> tuple[Mark, ...]:
    """Return the marks of a complete receipt for a channel."""
    rows = db.execute(
        "SELECT sender, sequence, id, missing FROM chain WHERE channel = ?", (channel,)
    ).fetchmany(MAX_RECEIPT_MARKS)
    return tuple(Mark(row[0], row[1], row[2], _decode_missing.decode(row[3])) for row in rows)


def note_delivery(
    db: SqlConnection, channel: bytes, card: bytes, delivery: Delivery, own: bytes = b""
) -> bool:
    """Store what a receipt says of our envelopes; return whether it is new. `own`: as of `deliveries`."""
    before = deliveries(db, channel, own).get(card)
    if before is not None and delivery.sequence < before.sequence:
        return False
    db.execute(
        "INSERT OR REPLACE INTO mark (channel, card, sequence, missing, own) "
        "VALUES (?, ?, ?, ?, ?)",
        (channel, card, delivery.sequence, _encode(delivery.missing), own),
    )
    return before != delivery


def deliveries(db: SqlConnection, channel: bytes, own: bytes = b"") -> dict[bytes, Delivery]:
    """Return what each card of a channel has of our envelopes.

    `own`: the earlier card of ours that sealed them; empty for the one in force.
    """
    rows = db.execute(
        "SELECT card, sequence, missing FROM mark WHERE channel = ? AND own = ?", (channel, own)
    )
    return {row[0]: Delivery(row[1], _decode_missing.decode(row[2])) for row in rows}
