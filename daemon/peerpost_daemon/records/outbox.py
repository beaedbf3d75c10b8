"""The outbox: every message of this account on its way, from `queued` to `read` or `failed`.

    queued     durable here                                → sealed, failed
    sealed     has its sequence and its bytes              → sent, queued (the relay refused these bytes), failed
    sent       durable at the relay, its bytes kept        → delivered, read, failed (no recipient is a member any more)
    delivered  durable at every card it was sealed for     → read
    read       every identity it was sealed for says that it has been read
    failed     will not be delivered; the reason says why

A row with a `content` is no message: a read mark, say. It travels as messages do, and nobody is told how far it is.

A row is never sealed again while the relay may hold its bytes: only a refusal takes it back to `queued`.
"""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from peerpost_daemon.records.messages import Message
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link
from peerpost_protocol.content import File

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


class Waiting(Struct, frozen=True):
    """Be a row that still has to reach the relay: what it says, and its bytes once sealed."""

    outgoing: Outgoing
    envelope: bytes | None
    media_type: str | None
    body: bytes | None  # None: `outgoing.content` stands for it
    reply_to: bytes | None
    presentation: bytes | None
    request: bytes | None
    answers: bool
    files: tuple[File, ...] = ()


class Sealed(Struct, frozen=True):
    """Be what sealing gave a row."""

    number: int
    sequence: int
    envelope: bytes
    envelope_id: bytes
    recipients: tuple[bytes, ...]


class Recovered(Struct, frozen=True):
    """Be where an envelope of ours stands that this vault did not know."""

    channel: bytes
    link: Link
    recipients: tuple[bytes, ...]
    position: int
    at_ms: int
    own: bytes = b""  # the earlier card of ours that sealed it; empty: the one in force


_COLUMNS = (
    "number, outbox.message, outbox.channel, recipient, state, reason, attempts, outbox.sequence, "
    "envelope_id, recipients, outbox.position, queued_at_ms, outbox.sent_at_ms, delivered_at_ms, "
    "outbox.expires_at_ms, read_at_ms, failed_at_ms, content, "
    "not_before_ms, wiped, own"
)
_COUNT = _COLUMNS.count(",") + 1
_SELECT = f"SELECT {_COLUMNS} FROM outbox"  # noqa: S608  constant columns
_RETURNED = _COLUMNS.replace("outbox.", "")  # where a statement writes to this table alone


def add(
    db: SqlConnection,
    message: Message,
    cursor: int,
    recipient: str | None,
    key: str | None,
    *,
    not_before_ms: int | None = None,
) -> Outgoing:
    """Queue a message that has just been stored at `cursor`; return its row."""
    row = db.execute(
        "INSERT INTO outbox (message, message_cursor, channel, recipient, idempotency_key, state, "  # noqa: S608
        "queued_at_ms, expires_at_ms, size, not_before_ms) "
        f"VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?) RETURNING {_RETURNED}",
        (
            message.id,
            cursor,
            message.channel,
            recipient,
            key,
            message.sent_at_ms,
            message.expires_at_ms,
            len(message.body),
            not_before_ms,
        ),
    ).fetchone()
    return _outgoing(row)


def find(db: SqlConnection, message: bytes) -> Outgoing | None:
    """Return the row of a message."""
    row = db.execute(f"{_SELECT} WHERE message = ?", (message,)).fetchone()
    return _outgoing(row) if row else None


def resize(db: SqlConnection, message: bytes, size: int) -> None:
    """Note that a message that waits has become longer or shorter."""
    db.execute(
        "UPDATE tally SET bytes = bytes + ? - (SELECT size FROM outbox WHERE message = ?) "
        "WHERE name = (SELECT state FROM outbox WHERE message = ?)",
        (size, message, message),
    )
    db.execute("UPDATE outbox SET size = ? WHERE message = ?", (size, message))


def next_due(db: SqlConnection, now_ms: int) -> int | None:
    """Return when the next of the messages is due that wait for their time."""
    row = db.execute(
        "SELECT min(not_before_ms) FROM outbox "
        "WHERE state = 'queued' AND not_before_ms IS NOT NULL AND not_before_ms > ?",
        (now_ms,),
    ).fetchone()
    return None if row[0] is None else int(row[0])


def by_key(db: SqlConnection, key: str) -> Outgoing | None:
    """Return the row that was queued under an idempotency key."""
    row = db.execute(f"{_SELECT} WHERE idempotency_key = ?", (key,)).fetchone()
    return _outgoing(row) if row else None


def by_sequence(
    db: SqlConnection, channel: bytes, sequence: int, own: bytes = b""
) -> Outgoing | None:
    """Return the row that was sealed with a sequence; one that was given up has left it to another.

    `own`: the earlier card of ours that sealed it; empty for the one in force.
    """
    row = db.execute(
        f"{_SELECT} WHERE channel = ? AND sequence = ? AND own = ? "
        "AND state NOT IN ('queued', 'failed')",
        (channel, sequence, own),
    ).fetchone()
    return _outgoing(row) if row else None


def waiting(db: SqlConnection, after: int, limit: int, now_ms: int) -> list[Waiting]:
    """Return rows after a number, in their order, whose channel is there, that are due and that the relay lacks."""
    rows = db.execute(
        f"SELECT {_COLUMNS}, envelope, media_type, body, reply_to, presentation, request, answers "  # noqa: S608
        "FROM outbox LEFT JOIN message ON message.cursor = message_cursor "
        "WHERE state IN ('queued', 'sealed') AND outbox.channel IS NOT NULL AND number > ? "
        "AND uploads = 0 AND (not_before_ms IS NULL OR not_before_ms <= ?) ORDER BY number",
        (after, now_ms),
    ).fetchmany(limit)
    return [_waiting(row) for row in rows]


def waits_for(db: SqlConnection, recipient: str) -> bool:
    """Say whether something waits for a channel with an identity."""
    row = db.execute(
        "SELECT 1 FROM outbox WHERE state = 'queued' AND channel IS NULL AND recipient = ? LIMIT 1",
        (recipient,),
    ).fetchone()
    return row is not None


def undirected(db: SqlConnection, limit: int, now_ms: int) -> list[str]:
    """Return the identities for which messages wait that are due and have no channel yet."""
    rows = db.execute(
        "SELECT recipient, min(number) FROM outbox WHERE state = 'queued' AND channel IS NULL "
        "AND recipient IS NOT NULL AND (not_before_ms IS NULL OR not_before_ms <= ?) "
        "GROUP BY recipient ORDER BY 2",
        (now_ms,),
    ).fetchmany(limit)
    return [row[0] for row in rows]


def queued_for(
    db: SqlConnection, *, channel: bytes | None = None, recipient: str | None = None
) -> list[tuple[int, bytes]]:
    """Return (number, message) of what waits for a channel, or for an identity without one."""
    return db.execute(
        "SELECT number, message FROM outbox WHERE state = 'queued' "
        "AND (channel = ? OR (channel IS NULL AND recipient = ?)) ORDER BY number",
        (channel, recipient),
    ).fetchall()


def direct_to(db: SqlConnection, recipient: str, channel: bytes) -> None:
    """Give the messages for an identity their channel."""
    db.execute(
        "UPDATE message SET channel = ? WHERE cursor IN (SELECT message_cursor FROM outbox "
        "WHERE recipient = ? AND channel IS NULL)",
        (channel, recipient),
    )
    db.execute(
        "UPDATE outbox SET channel = ? WHERE recipient = ? AND channel IS NULL",
        (channel, recipient),
    )


def undirect(db: SqlConnection, channel: bytes, recipient: str) -> None:
    """Take a channel that came to nothing from its messages; they wait for another with `recipient`."""
    db.execute("UPDATE message SET channel = NULL WHERE channel = ? AND mine", (channel,))
    db.execute(
        "UPDATE outbox SET channel = NULL, recipient = ? WHERE channel = ? AND state = 'queued'",
        (recipient, channel),
    )


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


def unsent(db: SqlConnection, channel: bytes) -> list[tuple[int, bytes]]:
    """Return (number, message) of a channel's rows that are not known to be at the relay."""
    return db.execute(
        "SELECT number, message FROM outbox WHERE state IN ('queued', 'sealed') AND channel = ? "
        "ORDER BY number",
        (channel,),
    ).fetchall()


def recover(
    db: SqlConnection,
    message: bytes,
    link: Link,
    *,
    recipients: Iterable[bytes],
    position: int,
    now_ms: int,
    own: bytes = b"",
) -> bool:
    """Note that the relay has the message under a link that this vault does not know it by.

    Return whether there is such a row that was not at the relay. Its receivers are those of the envelope.
    """
    row = db.execute(
        "UPDATE outbox SET state = 'sent', reason = NULL, failed_at_ms = NULL, sequence = ?, "
        "envelope_id = ?, "
        "envelope = NULL, recipients = ?, position = ?, sent_at_ms = ?, own = ? "
        "WHERE message = ? AND state IN ('queued', 'sealed', 'failed') RETURNING message_cursor",
        (link.sequence, link.id, b"".join(recipients), position, now_ms, own, message),
    ).fetchone()
    if row is None:
        return False
    db.execute(
        "UPDATE message SET sequence = ?, position = ? WHERE cursor = ?",
        (link.sequence, position, row[0]),
    )
    return True


def recover_unknown(
    db: SqlConnection, message: bytes, cursor: int, sent: Recovered, *, content: bytes | None
) -> None:
    """Add the row of a message that this vault does not know and the relay has.

    `cursor` is the message's, 0 with a `content` that is no message.
    """
    db.execute(
        "INSERT OR IGNORE INTO outbox (message, message_cursor, channel, state, sequence, "
        "envelope_id, recipients, position, queued_at_ms, sent_at_ms, content, own) "
        "VALUES (?, ?, ?, 'sent', ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            message,
            cursor,
            sent.channel,
            sent.link.sequence,
            sent.link.id,
            b"".join(sent.recipients),
            sent.position,
            sent.at_ms,
            sent.at_ms,
            content,
            sent.own,
        ),
    )


def sent(db: SqlConnection, message: bytes, position: int, now_ms: int) -> Outgoing | None:
    """Note that the relay has the message; return its row, None when that was known.

    Its bytes are kept until it is delivered, unless what they say has been removed: the relay may lose them. The caller
    owes `kept.bound`.
    """
    row = db.execute(
        "UPDATE outbox SET state = CASE state WHEN 'sealed' THEN 'sent' ELSE state END, "  # noqa: S608
        "position = ?, sent_at_ms = coalesce(sent_at_ms, ?), "
        "envelope = CASE WHEN wiped THEN NULL ELSE envelope END "
        "WHERE message = ? AND position IS NULL AND state IN ('sealed', 'delivered') "
        f"RETURNING {_RETURNED}, message_cursor",
        (position, now_ms, message),
    ).fetchone()
    if row is None:
        return None
    db.execute("UPDATE message SET position = ? WHERE cursor = ?", (position, row[_COUNT]))
    return _outgoing(row[:_COUNT])


def moved(db: SqlConnection, number: int, position: int) -> None:
    """Note that the relay has the message at another position than it had."""
    row = db.execute(
        "UPDATE outbox SET position = ? WHERE number = ? AND position != ? RETURNING message_cursor",
        (position, number, position),
    ).fetchone()
    if row is not None:
        db.execute("UPDATE message SET position = ? WHERE cursor = ?", (position, row[0]))


def undelivered(
    db: SqlConnection, channel: bytes, first: int, last: int, own: bytes = b""
) -> list[Outgoing]:
    """Return the rows of a channel that are not known to be delivered, from one sequence to another.

    `own`: the earlier card of ours that sealed them; empty for the one in force.
    """
    rows = db.execute(
        f"{_SELECT} WHERE channel = ? AND sequence >= ? AND sequence <= ? AND own = ? "
        "AND state IN ('sealed', 'sent') ORDER BY sequence",
        (channel, first, last, own),
    ).fetchall()
    return [_outgoing(row) for row in rows]


def earlier_cards(db: SqlConnection, channel: bytes) -> list[tuple[bytes, int]]:
    """Return the earlier cards of ours by which something is not delivered yet, with its last sequence."""
    return db.execute(
        "SELECT own, max(sequence) FROM outbox WHERE channel = ? AND state = 'sent' "
        "AND own != x'' GROUP BY own",
        (channel,),
    ).fetchall()


def delivered(db: SqlConnection, number: int, now_ms: int) -> Outgoing:
    """Note that every card it was sealed for has the message; return its row."""
    row = db.execute(
        "UPDATE outbox SET state = 'delivered', delivered_at_ms = ?, envelope = NULL, "  # noqa: S608
        f"sent_at_ms = coalesce(sent_at_ms, ?) WHERE number = ? RETURNING {_RETURNED}",
        (now_ms, now_ms, number),
    ).fetchone()
    return _outgoing(row)


def unread(db: SqlConnection, channel: bytes, after: int, upto: int) -> list[Outgoing]:
    """Return the messages of a channel in a span of positions that are not known to be read."""
    rows = db.execute(
        f"{_SELECT} WHERE channel = ? AND position > ? AND position <= ? "
        "AND state IN ('sent', 'delivered') AND content IS NULL ORDER BY position",
        (channel, after, upto),
    ).fetchall()
    return [_outgoing(row) for row in rows]


def read(db: SqlConnection, number: int, now_ms: int) -> None:
    """Note that every identity it was sealed for has read the message."""
    db.execute(
        "UPDATE outbox SET state = 'read', read_at_ms = ?, envelope = NULL WHERE number = ?",
        (now_ms, number),
    )


def fail(db: SqlConnection, number: int, reason: str, now_ms: int) -> bool:
    """Give a message up, with the reason; return False when it is at the relay or given up already."""
    cursor = db.execute(
        "UPDATE outbox SET state = 'failed', reason = ?, failed_at_ms = ?, envelope = NULL "
        "WHERE number = ? AND state IN ('queued', 'sealed')",
        (reason, now_ms, number),
    )
    return bool(cursor.rowcount)


def _waiting(row: tuple[object, ...]) -> Waiting:
    *said, answers = row[_COUNT:]
    return Waiting(_outgoing(row[:_COUNT]), *said, bool(answers))  # type: ignore[call-arg, arg-type]


def fail_sent(db: SqlConnection, number: int, reason: str, now_ms: int) -> None:
    """Give a message up that the relay has, with the reason; its place in our chain stays known."""
    db.execute(
        "INSERT OR IGNORE INTO own_envelope (channel, sequence, id, position, own) "
        "SELECT channel, sequence, envelope_id, position, own FROM outbox WHERE number = ? AND state = 'sent'",
        (number,),
    )
    db.execute(
        "UPDATE outbox SET state = 'failed', reason = ?, failed_at_ms = ?, envelope = NULL "
        "WHERE number = ? AND state = 'sent'",
        (reason, now_ms, number),
    )


def _outgoing(row: tuple[object, ...]) -> Outgoing:
    cells = list(row)
    cells[4] = OutboxState(str(row[4]))
    joined = row[9] if isinstance(row[9], bytes) else b""
    cells[9] = tuple(joined[at : at + _CARD_BYTES] for at in range(0, len(joined), _CARD_BYTES))
    cells[19] = bool(row[19])
    return Outgoing(*cells)  # type: ignore[arg-type]
