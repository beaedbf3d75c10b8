"""Doubts: files of ours that a relay may have lost. It is asked for each, and gets those again that are here."""

from collections.abc import Iterable

from peerpost_daemon.records.files import Transfer, transfer_of
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.limits import MAX_COUNTER

_SENT = "UPDATE file SET doubted = 1 WHERE mine AND state = 'here' AND NOT doubted"


def doubt_all(db: SqlConnection) -> None:
    """Doubt all that was uploaded: the relay's store is another."""
    db.execute(_SENT)


def doubt(db: SqlConnection, channels: Iterable[bytes]) -> None:
    """Doubt what was uploaded for channels of which the relay has lost something."""
    for channel in channels:
        db.execute(
            f"{_SENT} AND message IN (SELECT cursor FROM message WHERE channel = ?)",  # noqa: S608  constant
            (channel,),
        )


def next_doubted(
    db: SqlConnection, skip: Iterable[int], most: int = MAX_COUNTER
) -> Transfer | None:
    """Return the oldest doubted file of at most so many bytes that is here, of a channel that we are in."""
    return transfer_of(
        db,
        "JOIN channel ON channel.id = message.channel "
        "WHERE file.doubted AND file.state = 'here' AND channel.state = 'active' "
        f"AND file.size <= {most:d}",
        "NULL",
        skip,
    )


def settle(db: SqlConnection, number: int) -> None:
    """Doubt a file no more: the relay has it, or will not take it."""
    db.execute("UPDATE file SET doubted = 0 WHERE number = ?", (number,))
