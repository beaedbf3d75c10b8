"""The outbox: every message of this account on its way, from `queued` to `read` or `failed`.

    queued     durable here                                → sealed, failed
    sealed     has its sequence and its bytes              → sent, queued (the relay refused these bytes), failed
    sent       durable at the relay, its bytes kept        → delivered, read, failed (no recipient is a member any more)
    delivered  durable at every card it was sealed for     → read
    read       every identity it was sealed for says that it has been read
    failed     will not be delivered; the reason says why

A row with a `content` is no message: a read mark, say. It travels as messages do, and nobody is told how far it is.

A row is never sealed again while the relay may hold its bytes: only a refusal takes it back to `queued`.

The row itself is `outgoing`; what seals, recovers and moves it on stands in `outbox_seals`, `outbox_recovery` and
`outbox_progress`.
"""

from msgspec import Struct

from peerpost_daemon.records.messages import Message
from peerpost_daemon.records.outgoing import COLUMNS, COUNT, RETURNED, SELECT, Outgoing, of_row
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import File


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
        f"VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?) RETURNING {RETURNED}",
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
    return of_row(row)


def find(db: SqlConnection, message: bytes) -> Outgoing | None:
    """Return the row of a message."""
    row = db.execute(f"{SELECT} WHERE message = ?", (message,)).fetchone()
    return of_row(row) if row else None


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
    row = db.execute(f"{SELECT} WHERE idempotency_key = ?", (key,)).fetchone()
    return of_row(row) if row else None


def by_sequence(
    db: SqlConnection, channel: bytes, sequence: int, own: bytes = b""
) -> Outgoing | None:
    """Return the row that was sealed with a sequence; one that was given up has left it to another.

    `own`: the earlier card of ours that sealed it; empty for the one in force.
    """
    row = db.execute(
        f"{SELECT} WHERE channel = ? AND sequence = ? AND own = ? "
        "AND state NOT IN ('queued', 'failed')",
        (channel, sequence, own),
    ).fetchone()
    return of_row(row) if row else None


def waiting(db: SqlConnection, after: int, limit: int, now_ms: int) -> list[Waiting]:
    """Return rows after a number, in their order, whose channel is there, that are due and that the relay lacks."""
    rows = db.execute(
        f"SELECT {COLUMNS}, envelope, media_type, body, reply_to, presentation, request, answers "  # noqa: S608
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


def unsent(db: SqlConnection, channel: bytes) -> list[tuple[int, bytes]]:
    """Return (number, message) of a channel's rows that are not known to be at the relay."""
    return db.execute(
        "SELECT number, message FROM outbox WHERE state IN ('queued', 'sealed') AND channel = ? "
        "ORDER BY number",
        (channel,),
    ).fetchall()


def _waiting(row: tuple[object, ...]) -> Waiting:
    *said, answers = row[COUNT:]
    return Waiting(of_row(row[:COUNT]), *said, bool(answers))  # type: ignore[call-arg, arg-type]
