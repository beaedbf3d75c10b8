"""Kept: the sealed bytes of messages that the relay has and not every receiver.

Should the relay lose them with an older copy of its store, the same bytes go again. They are kept until the message is
delivered, and within a bound: the oldest give way, because they are in the relay's backups most likely.
"""

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link

MAX_KEPT_BYTES = 64 * 1024 * 1024
_DROPPED_TOGETHER = 64


class Kept(Struct, frozen=True):
    """Be a message of ours with its place in our chain and the bytes that the relay had."""

    link: Link
    envelope: bytes


def after(db: SqlConnection, channel: bytes, sequence: int, upto: int, limit: int) -> list[Kept]:
    """Return what is kept of a channel after a sequence, in its order; unanswered rows are with it."""
    rows = db.execute(
        "SELECT sequence, envelope_id, envelope FROM outbox WHERE channel = ? AND sequence > ? "
        "AND sequence <= ? AND own = x'' AND state IN ('sealed', 'sent') AND envelope IS NOT NULL "
        "ORDER BY sequence LIMIT ?",
        (channel, sequence, upto, limit),
    )
    return [Kept(Link(row[0], row[1]), row[2]) for row in rows]


def bound(db: SqlConnection) -> None:
    """Drop the oldest bytes that are over the bound."""
    while _bytes(db) > MAX_KEPT_BYTES:
        db.execute(
            "UPDATE outbox SET envelope = NULL WHERE number IN (SELECT number FROM outbox "
            "WHERE state = 'sent' AND envelope IS NOT NULL ORDER BY number LIMIT ?)",
            (_DROPPED_TOGETHER,),
        )


def _bytes(db: SqlConnection) -> int:
    return int(db.execute("SELECT bytes FROM tally WHERE name = 'kept'").fetchone()[0])
