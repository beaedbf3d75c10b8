"""Messages: what has been said, by others and by this account, in the order it came to this daemon."""

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection


class Message(Struct, frozen=True):
    """Be a message. `media_type` null: a text, whose UTF-8 bytes are the body."""

    id: bytes
    channel: bytes | None
    card: bytes
    identity: str
    mine: bool
    sequence: int | None
    position: int | None
    media_type: str | None
    body: bytes
    reply_to: bytes | None
    sent_at_ms: int
    received_at_ms: int | None
    expires_at_ms: int | None


class StoredMessage(Struct, frozen=True):
    """Be a message with its cursor, its channel's name, and (for one's own) its delivery state."""

    cursor: int
    message: Message
    channel_name: str | None
    status: str | None


_COLUMNS = (
    "message.id, message.channel, card, identity, mine, message.sequence, message.position, "
    "media_type, body, reply_to, message.sent_at_ms, received_at_ms, message.expires_at_ms"
)
_FROM = (
    "FROM message LEFT JOIN channel ON channel.id = message.channel "
    "LEFT JOIN outbox ON mine AND outbox.message = message.id"
)
_SELECT = f"SELECT message.cursor, name, coalesce(outbox.state, outcome), {_COLUMNS} {_FROM}"


def add(db: SqlConnection, message: Message) -> int | None:
    """Store a message; return its cursor, None when its sender has used the id before."""
    row = db.execute(
        "INSERT INTO message (id, channel, card, identity, mine, sequence, position, media_type, "
        "body, reply_to, sent_at_ms, received_at_ms, expires_at_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING cursor",
        (
            message.id,
            message.channel,
            message.card,
            message.identity,
            message.mine,
            message.sequence,
            message.position,
            message.media_type,
            message.body,
            message.reply_to,
            message.sent_at_ms,
            message.received_at_ms,
            message.expires_at_ms,
        ),
    ).fetchone()
    return row[0] if row else None


def moved(db: SqlConnection, id_: bytes, card: bytes, position: int) -> None:
    """Note that the relay has a message at another position than it had."""
    db.execute("UPDATE message SET position = ? WHERE id = ? AND card = ?", (position, id_, card))


def find(db: SqlConnection, id_: bytes) -> StoredMessage | None:
    """Return the message with this id, one's own before another's."""
    row = db.execute(
        f"{_SELECT} WHERE message.id = ? ORDER BY mine DESC LIMIT 1", (id_,)
    ).fetchone()
    return _stored(row) if row else None


def at(db: SqlConnection, cursor: int) -> StoredMessage | None:
    """Return the message at a cursor."""
    row = db.execute(f"{_SELECT} WHERE message.cursor = ?", (cursor,)).fetchone()
    return _stored(row) if row else None


def last_received(db: SqlConnection, channel: bytes) -> int:
    """Return the position of the newest message of others in a channel, 0 when there is none."""
    row = db.execute(
        "SELECT position FROM message WHERE channel = ? AND NOT mine AND position IS NOT NULL "
        "ORDER BY cursor DESC LIMIT 1",
        (channel,),
    ).fetchone()
    return int(row[0]) if row else 0


def page(
    db: SqlConnection, channel: bytes, after: int | None, before: int | None, limit: int
) -> tuple[list[StoredMessage], bool]:
    """Return at most `limit` messages of a channel in ascending order, and whether there are more.

    With `after` the ones that follow it; otherwise the newest ones, before `before` if given.
    """
    order = "ASC" if after is not None else "DESC"
    rows = db.execute(
        f"{_SELECT} WHERE message.channel = ? AND message.cursor > ? AND message.cursor < ? "
        f"ORDER BY message.cursor {order} LIMIT ?",
        (channel, after or 0, before or 2**62, limit + 1),
    ).fetchall()
    found = [_stored(row) for row in rows[:limit]]
    return (found if after is not None else found[::-1]), len(rows) > limit


def count(db: SqlConnection) -> int:
    """Return how many messages there are."""
    return int(db.execute("SELECT count(*) FROM message").fetchone()[0])


def _stored(row: tuple[object, ...]) -> StoredMessage:
    cursor, name, status, *rest = row
    rest[4] = bool(rest[4])
    return StoredMessage(cursor, Message(*rest), name, status)  # type: ignore[arg-type]
