"""Changes: what edits and deletions do to stored messages. Nothing of what was there stays."""

from msgspec import Struct

from peerpost_daemon.records import unwanted_blobs
from peerpost_daemon.vault.connection import SqlConnection


class Target(Struct, frozen=True):
    """Be a message that somebody changes; `edit_position` is that of the edit in force, 0 without one."""

    cursor: int
    mine: bool
    is_text: bool
    is_deleted: bool
    edit_position: int


def targets(db: SqlConnection, channel: bytes, id_: bytes, author: str) -> list[Target]:
    """Return the messages of an author with an id: more than one if several cards of his used it."""
    rows = db.execute(
        "SELECT cursor, mine, media_type IS NULL, deleted_at_ms IS NOT NULL, edit_position "
        "FROM message WHERE id = ? AND channel = ? AND identity = ?",
        (id_, channel, author),
    ).fetchall()
    return [
        Target(cursor, bool(mine), bool(text), bool(deleted), position)
        for cursor, mine, text, deleted, position in rows
    ]


def edit(db: SqlConnection, cursor: int, text: str, position: int, at_ms: int) -> None:
    """Replace the text of a message; `position` is the edit's in the stream."""
    db.execute(
        "UPDATE message SET body = ?, edited_at_ms = ?, edit_position = max(edit_position, ?) "
        "WHERE cursor = ?",
        (text.encode(), at_ms, position, cursor),
    )


def erase(db: SqlConnection, cursor: int, by: str, at_ms: int) -> None:
    """Leave of a message only that it was there, and who deleted it."""
    unwanted_blobs.note_deleted(db, cursor, by)  # before its files are forgotten
    db.execute(
        "UPDATE message SET body = x'', title = NULL, presentation = NULL, deleted_at_ms = ?, "
        "deleted_by = ? WHERE cursor = ?",
        (at_ms, by, cursor),
    )
    db.execute("DELETE FROM reaction WHERE message = ?", (cursor,))
