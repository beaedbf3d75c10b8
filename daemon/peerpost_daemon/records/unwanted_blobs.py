"""Unwanted blobs: files at the relay whose message was deleted, or given up after they had been uploaded."""

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection

_OF_MESSAGE = (
    "INSERT OR IGNORE INTO unwanted_blob (channel, blob) SELECT message.channel, file.blob "
    "FROM file JOIN message ON message.cursor = file.message "
    "WHERE file.message = ? AND message.channel IS NOT NULL"
)
_SENT = "message.identity IN (SELECT identity FROM account)"
# A member's message can name the file of another's, for us to remove it with hers.
_MODERATED = (
    "EXISTS (SELECT 1 FROM account WHERE account.identity = ?) AND NOT EXISTS (SELECT 1 FROM file "
    "AS other JOIN message AS its ON its.cursor = other.message WHERE other.blob = file.blob "
    "AND its.channel = message.channel AND its.identity <> message.identity)"
)


class UnwantedBlob(Struct, frozen=True):
    """Be a blob that the relay is to remove."""

    number: int
    channel: bytes
    blob: bytes


def note_deleted(db: SqlConnection, message: int, by: str) -> None:
    """Note the files of a message (by its cursor) that `by` deletes, if we sent or delete it: others may not ask.

    Of what somebody else sent, those that are no other member's as well.
    """
    db.execute(f"{_OF_MESSAGE} AND ({_SENT} OR {_MODERATED})", (message, by))


def note_failed(db: SqlConnection, outbox: int) -> None:
    """Note the files of a message (by its number in the outbox) that will not be sent."""
    db.execute(
        _OF_MESSAGE.replace("?", "(SELECT message_cursor FROM outbox WHERE number = ?)"),
        (outbox,),
    )


def note(db: SqlConnection, channel: bytes, blob: bytes) -> None:
    """Note one that came to the relay after its message had gone."""
    db.execute("INSERT OR IGNORE INTO unwanted_blob (channel, blob) VALUES (?, ?)", (channel, blob))


def oldest(db: SqlConnection) -> UnwantedBlob | None:
    """Return what is to be asked for next."""
    row = db.execute(
        "SELECT number, channel, blob FROM unwanted_blob ORDER BY number LIMIT 1"
    ).fetchone()
    return UnwantedBlob(*row) if row else None


def done(db: SqlConnection, number: int) -> None:
    """Forget one: it is gone, or not ours to remove."""
    db.execute("DELETE FROM unwanted_blob WHERE number = ?", (number,))
