"""Message pages: the messages of a channel in the order in which they came here, all or some of them."""

from msgspec import Struct

from peerpost_daemon.records.messages import SELECT, StoredMessage, stored
from peerpost_daemon.vault.connection import SqlConnection


class Narrowing(Struct, frozen=True):
    """Say which messages of a channel are wanted; null is any. Times are those at which they were sent."""

    sender: str | None = None
    thread: bytes | None = None
    since_ms: int | None = None
    until_ms: int | None = None


def page(
    db: SqlConnection,
    channel: bytes,
    after: int | None,
    before: int | None,
    limit: int,
    *,
    narrowing: Narrowing | None = None,
) -> tuple[list[StoredMessage], bool]:
    """Return at most `limit` messages of a channel in ascending order, and whether there are more.

    With `after` the ones that follow it; otherwise the newest ones, before `before` if given.
    """
    order = "ASC" if after is not None else "DESC"
    conditions, values = _conditions(db, channel, narrowing) if narrowing else ("", [])
    select = _OF_SENDER if narrowing and narrowing.sender is not None else SELECT
    rows = db.execute(
        f"{select} WHERE message.channel = ? AND message.cursor > ? AND message.cursor < ?"
        f"{conditions} ORDER BY message.cursor {order} LIMIT ?",
        (channel, after or 0, before or 2**62, *values, limit + 1),
    ).fetchall()
    found = [stored(row) for row in rows[:limit]]
    return (found if after is not None else found[::-1]), len(rows) > limit


# SQLite would look through the whole channel for the messages of one who says little.
_OF_SENDER = SELECT.replace("FROM message ", "FROM message INDEXED BY message_by_sender ", 1)


def _conditions(
    db: SqlConnection, channel: bytes, narrowing: Narrowing
) -> tuple[str, list[str | bytes | int]]:
    conditions, values = "", list[str | bytes | int]()
    if narrowing.sender is not None:
        conditions += " AND identity = ?"
        values += [narrowing.sender]
    if narrowing.thread is not None:
        conditions += (
            " AND message.cursor IN (SELECT cursor FROM message WHERE thread = ? "
            "UNION ALL SELECT cursor FROM message WHERE id = ?)"
        )
        values += [narrowing.thread, narrowing.thread]
    if (narrowing.since_ms, narrowing.until_ms) != (None, None):
        since, until = narrowing.since_ms or 0, narrowing.until_ms or 2**62
        conditions += " AND message.sent_at_ms BETWEEN ? AND ? AND message.cursor BETWEEN ? AND ?"
        values += [since, until, *span(db, channel, since, until)]
    return conditions, values


def span(db: SqlConnection, channel: bytes | None, since_ms: int, until_ms: int) -> tuple[int, int]:
    """Return the first and the last cursor of the messages that were sent in a time.

    A cursor says when a message came here, so nothing but a look at all of them gives its place; the index alone is
    looked at.
    """
    where = "channel = ? AND " if channel is not None else ""
    row = db.execute(
        f"SELECT min(+cursor), max(+cursor) FROM message WHERE {where}sent_at_ms BETWEEN ? AND ?",  # noqa: S608
        (*((channel,) if channel is not None else ()), since_ms, until_ms),
    ).fetchone()
    return (row[0] or 0), (row[1] or 0)
