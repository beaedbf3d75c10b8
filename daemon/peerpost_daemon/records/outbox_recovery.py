"""Outbox recovery: rows of envelopes that the relay has of ours under a link that this vault does not know."""

from collections.abc import Iterable

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link


class Recovered(Struct, frozen=True):
    """Be where an envelope of ours stands that this vault did not know."""

    channel: bytes
    link: Link
    recipients: tuple[bytes, ...]
    position: int
    at_ms: int
    own: bytes = b""  # the earlier card of ours that sealed it; empty: the one in force


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
