"""Outbox seals: the sequence and the bytes of a row, stored before anything of it is sent."""

from collections.abc import Iterable

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link


class Sealed(Struct, frozen=True):
    """Be what sealing gave a row."""

    number: int
    sequence: int
    envelope: bytes
    envelope_id: bytes
    recipients: tuple[bytes, ...]


def seal(db: SqlConnection, rows: Iterable[Sealed]) -> None:
    """Store sequences and bytes, before anything of it is sent."""
    for row in rows:
        there = db.execute(
            "UPDATE outbox SET state = 'sealed', sequence = ?, envelope = ?, envelope_id = ?, "
            "recipients = ?, attempts = attempts + 1 WHERE number = ? AND state = 'queued' "
            "RETURNING message_cursor",
            (row.sequence, row.envelope, row.envelope_id, b"".join(row.recipients), row.number),
        ).fetchone()
        if there is not None:
            db.execute("UPDATE message SET sequence = ? WHERE cursor = ?", (row.sequence, there[0]))


def unseal(db: SqlConnection, channel: bytes, first: int) -> None:
    """Take the sealed rows of a channel back to `queued`, from a sequence that the relay has refused on.

    The ones before it stay: the relay may have them, and its answer was lost.
    """
    db.execute(
        "UPDATE outbox SET state = 'queued', sequence = NULL, envelope = NULL, envelope_id = NULL "
        "WHERE channel = ? AND state = 'sealed' AND sequence >= ?",
        (channel, first),
    )


def last_sealed(db: SqlConnection, channel: bytes) -> Link | None:
    """Return the newest link of a channel's rows that have their bytes and no answer yet."""
    row = db.execute(
        "SELECT sequence, envelope_id FROM outbox WHERE channel = ? AND state = 'sealed' "
        "ORDER BY sequence DESC LIMIT 1",
        (channel,),
    ).fetchone()
    return Link(row[0], row[1]) if row else None
