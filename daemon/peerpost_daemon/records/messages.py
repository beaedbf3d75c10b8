"""Messages: what has been said, by others and by this account, in the order it came to this daemon."""

from msgspec import Struct

from peerpost_daemon.records import threads
from peerpost_daemon.vault.connection import SqlConnection


class Message(Struct, frozen=True):
    """Be a message. `media_type` null: a text, whose UTF-8 bytes are the body.

    `request`: the message id of its correlation, its own unless it `answers`. A deleted message keeps its place and
    nothing of what it said.
    """

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
    title: str | None = None
    presentation: bytes | None = None  # encoded; None: none
    request: bytes | None = None
    answers: bool = False
    imported: bool = False
    thread: bytes | None = None  # the first message that it answers; found when it is stored
    edited_at_ms: int | None = None
    deleted_at_ms: int | None = None
    deleted_by: str | None = None
    files: str | None = None  # JSON of its files, when it has any


class StoredMessage(Struct, frozen=True):
    """Be a message with its cursor, its channel's name, and (for one's own) its delivery state."""

    cursor: int
    message: Message
    channel_name: str | None
    status: str | None


COLUMNS = (
    "message.id, message.channel, card, identity, mine, message.sequence, message.position, "
    "media_type, body, reply_to, message.sent_at_ms, received_at_ms, message.expires_at_ms, "
    "title, presentation, request, answers, imported, thread, edited_at_ms, deleted_at_ms, "
    "deleted_by, (SELECT nullif(json_group_array(json_array(file.number, file.name, "
    "file.media_type, file.size, file.state, file.reason, file.preview IS NOT NULL)), '[]') "
    "FROM file WHERE file.message = message.cursor)"
)
_FLAGS = (4, 16, 17)  # of the columns
_FROM = (
    "FROM message LEFT JOIN channel ON channel.id = message.channel "
    "LEFT JOIN outbox ON mine AND outbox.message = message.id"
)
SELECT = f"SELECT message.cursor, name, coalesce(outbox.state, outcome), {COLUMNS} {_FROM}"


def add(db: SqlConnection, message: Message) -> int | None:
    """Store a message; return its cursor, None when its sender has used the id before.

    What was imported gives way: it had nobody's signature.
    """
    thread = threads.of(db, message.channel, message.reply_to)
    row = db.execute(_INSERT, _values(message, thread)).fetchone()
    if row is None and _drop_imported(db, message):
        row = db.execute(_INSERT, _values(message, thread)).fetchone()
    if row is not None and thread is not None:
        threads.gather(db, row[0], thread)
    return row[0] if row else None


_INSERT = (
    "INSERT INTO message (id, channel, card, identity, mine, sequence, position, media_type, "
    "body, reply_to, sent_at_ms, received_at_ms, expires_at_ms, title, presentation, request, "
    "answers, imported, thread) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT DO NOTHING RETURNING cursor"
)


def _values(message: Message, thread: bytes | None) -> tuple[object, ...]:
    return (
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
        message.title,
        message.presentation,
        message.request,
        message.answers,
        message.imported,
        thread,
    )


def _drop_imported(db: SqlConnection, message: Message) -> bool:
    dropped = db.execute(
        "DELETE FROM message WHERE id = ? AND card = ? AND imported AND NOT ?",
        (message.id, message.card, message.imported),
    )
    return bool(dropped.rowcount)


def restore(db: SqlConnection, message: Message, at: int | None = None) -> bool:
    """Store a message out of a backup, with what has become of it since it was sent; return False when it is here.

    `at`: the cursor that it had, behind those of all that are here.
    """
    cursor = add(db, message)
    if cursor is not None:
        db.execute(
            "UPDATE message SET edited_at_ms = ?, deleted_at_ms = ?, deleted_by = ?, cursor = ? "
            "WHERE cursor = ?",
            (
                message.edited_at_ms,
                message.deleted_at_ms,
                message.deleted_by,
                at if at is not None else cursor,
                cursor,
            ),
        )
    return cursor is not None


def between(db: SqlConnection, after: int, until: int, limit: int) -> list[StoredMessage]:
    """Return the messages with after < cursor <= until, the first `limit` of them."""
    rows = db.execute(
        f"{SELECT} WHERE message.cursor > ? AND message.cursor <= ? "
        "ORDER BY message.cursor LIMIT ?",
        (after, until, limit),
    ).fetchall()
    return [stored(row) for row in rows]


def moved(db: SqlConnection, id_: bytes, card: bytes, position: int) -> None:
    """Note that the relay has a message at another position than it had."""
    db.execute("UPDATE message SET position = ? WHERE id = ? AND card = ?", (position, id_, card))


def find(db: SqlConnection, id_: bytes) -> StoredMessage | None:
    """Return the message with this id, one's own before another's."""
    row = db.execute(
        f"{SELECT} WHERE message.id = ? ORDER BY mine DESC, message.cursor LIMIT 1", (id_,)
    ).fetchone()
    return stored(row) if row else None


def find_by(db: SqlConnection, id_: bytes, identity: str) -> StoredMessage | None:
    """Return the message of an identity with this id."""
    row = db.execute(
        f"{SELECT} WHERE message.id = ? AND identity = ? ORDER BY mine DESC LIMIT 1",
        (id_, identity),
    ).fetchone()
    return stored(row) if row else None


def at(db: SqlConnection, cursor: int) -> StoredMessage | None:
    """Return the message at a cursor."""
    row = db.execute(f"{SELECT} WHERE message.cursor = ?", (cursor,)).fetchone()
    return stored(row) if row else None


def last_received(db: SqlConnection, channel: bytes) -> int:
    """Return the position of the newest message of others in a channel, 0 when there is none."""
    row = db.execute(
        "SELECT position FROM message WHERE channel = ? AND NOT mine AND position IS NOT NULL "
        "ORDER BY cursor DESC LIMIT 1",
        (channel,),
    ).fetchone()
    return int(row[0]) if row else 0


def count(db: SqlConnection) -> int:
    """Return how many messages there are."""
    return int(db.execute("SELECT count(*) FROM message").fetchone()[0])


def of_row(row: tuple[object, ...]) -> Message:
    """Return the message of a row of COLUMNS."""
    cells = list(row)
    for flag in _FLAGS:
        cells[flag] = bool(cells[flag])
    return Message(*cells)  # type: ignore[arg-type]


def stored(row: tuple[object, ...]) -> StoredMessage:
    """Return the message of a row of SELECT."""
    cursor, name, status, *rest = row
    return StoredMessage(cursor, of_row(tuple(rest)), name, status)  # type: ignore[arg-type]
