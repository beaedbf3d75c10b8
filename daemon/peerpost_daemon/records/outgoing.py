"""Outgoing: a row of the outbox, and the columns it is read from."""

from enum import StrEnum

from msgspec import Struct

from peerpost_protocol.chain import Link

_CARD_BYTES = 32


class OutboxState(StrEnum):
    """Say how far a message has come."""

    QUEUED = "queued"
    SEALED = "sealed"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


class Outgoing(Struct, frozen=True):
    """Be a row of the outbox."""

    number: int
    message: bytes
    channel: bytes | None
    recipient: str | None
    state: OutboxState
    reason: str | None
    attempts: int
    sequence: int | None
    envelope_id: bytes | None
    recipients: tuple[bytes, ...]
    position: int | None
    queued_at_ms: int
    sent_at_ms: int | None
    delivered_at_ms: int | None
    expires_at_ms: int | None
    read_at_ms: int | None
    failed_at_ms: int | None
    content: (
        bytes | None
    )  # an encoded body; None: the message's; empty: there is nothing to say any more
    not_before_ms: int | None
    wiped: bool  # what it said has been removed
    own: bytes  # the earlier card of ours that sealed it; empty: the one in force

    @property
    def link(self) -> Link:
        """Return its place in our chain; it has one once it is sealed."""
        assert self.sequence is not None
        assert self.envelope_id is not None
        return Link(self.sequence, self.envelope_id)


COLUMNS = (
    "number, outbox.message, outbox.channel, recipient, state, reason, attempts, outbox.sequence, "
    "envelope_id, recipients, outbox.position, queued_at_ms, outbox.sent_at_ms, delivered_at_ms, "
    "outbox.expires_at_ms, read_at_ms, failed_at_ms, content, "
    "not_before_ms, wiped, own"
)
COUNT = COLUMNS.count(",") + 1
SELECT = f"SELECT {COLUMNS} FROM outbox"  # noqa: S608  constant columns
RETURNED = COLUMNS.replace("outbox.", "")  # where a statement writes to this table alone


def of_row(row: tuple[object, ...]) -> Outgoing:
    """Return the row of the columns."""
    cells = list(row)
    cells[4] = OutboxState(str(row[4]))
    joined = row[9] if isinstance(row[9], bytes) else b""
    cells[9] = tuple(joined[at : at + _CARD_BYTES] for at in range(0, len(joined), _CARD_BYTES))
    cells[19] = bool(row[19])
    return Outgoing(*cells)  # type: ignore[arg-type]
