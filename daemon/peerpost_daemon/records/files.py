"""Files of messages: what they are, and how far their bytes have come.

    mine       uploading → here → gone
    others'    offered → fetching → here → gone
                            └→ refused (it was not what its message says), or gone (the relay has it no more)

`here`: the encrypted copy is whole and checked. `gone`: it was removed, or cannot be had any more.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from peerpost_daemon.files.names import safe_name
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import File
from peerpost_protocol.file import SealedFile, blob_size
from peerpost_protocol.limits import MAX_COUNTER


class FileState(StrEnum):
    """Say how far a file has come."""

    UPLOADING = "uploading"
    OFFERED = "offered"
    FETCHING = "fetching"
    HERE = "here"
    REFUSED = "refused"
    GONE = "gone"


class StoredFile(Struct, frozen=True):
    """Be a file of a message (by the message's cursor)."""

    number: int
    message: int
    blob: bytes
    key: bytes
    size: int
    sha256: bytes
    name: str
    said_name: str
    media_type: str
    preview: bytes | None
    mine: bool
    stored: str
    state: FileState
    reason: str | None


class Transfer(Struct, frozen=True):
    """Be a file on its way, with the message that it belongs to."""

    file: StoredFile
    message: bytes
    channel: bytes
    outbox: int | None
    expires_at_ms: int | None


_NAMES = (
    "number, message, blob, key, size, sha256, name, said_name, media_type, preview, mine, stored, "
    "state, reason"
)
_COLUMNS = ", ".join(f"file.{name}" for name in _NAMES.split(", "))
_COUNT = len(_NAMES.split(", "))
_SELECT = f"SELECT {_COLUMNS} FROM file"  # noqa: S608  constant columns
_HELD = "('uploading', 'fetching', 'here')"


def expected(file: StoredFile) -> SealedFile:
    """Return what its blob must be."""
    return SealedFile(file.blob, blob_size(file.size), file.sha256, file.size)


def content(file: StoredFile) -> File:
    """Return what its message says of it."""
    return File(
        file.blob,
        file.key,
        file.size,
        file.sha256,
        file.said_name,
        file.media_type,
        file.preview,
    )


def add(
    db: SqlConnection, message: int, file: File, stored: str, *, state: FileState, mine: bool
) -> int:
    """Add a file to a message; return its number."""
    cursor = db.execute(
        "INSERT INTO file (message, blob, key, size, sha256, name, said_name, media_type, preview, "
        "mine, stored, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            message,
            file.blob,
            file.key,
            file.size,
            file.sha256,
            safe_name(file.name),
            file.name,
            file.media_type,
            file.preview,
            mine,
            stored,
            state.value,
        ),
    )
    return int(cursor.lastrowid or 0)


def owe_uploads(db: SqlConnection, message: int, count: int) -> None:
    """Let a queued message wait until so many files are at the relay."""
    db.execute("UPDATE outbox SET uploads = ? WHERE message_cursor = ?", (count, message))


def uploaded(db: SqlConnection, number: int, message: int) -> bool:
    """Note that a file is at the relay; tell whether its message need not wait any more."""
    moved = set_state(db, number, FileState.HERE, was=(FileState.UPLOADING,))
    if not moved:
        return False
    row = db.execute(
        "UPDATE outbox SET uploads = max(0, uploads - 1) WHERE message_cursor = ? RETURNING uploads",
        (message,),
    ).fetchone()
    return row is not None and row[0] == 0


def set_state(
    db: SqlConnection,
    number: int,
    state: FileState,
    reason: str | None = None,
    *,
    was: Iterable[FileState] = FileState,
) -> bool:
    """Let a file go from one of some states to another; tell whether it was in one of them."""
    before = [each.value for each in was]
    marks = ", ".join("?" * len(before))
    return bool(
        db.execute(
            f"UPDATE file SET state = ?, reason = ? WHERE number = ? AND state IN ({marks})",  # noqa: S608
            (state.value, reason, number, *before),
        ).rowcount
    )


def find(db: SqlConnection, number: int) -> StoredFile | None:
    """Return a file."""
    row = db.execute(f"{_SELECT} WHERE number = ?", (number,)).fetchone()
    return _file(row) if row else None


def of_messages(db: SqlConnection, cursors: Sequence[int]) -> dict[int, list[StoredFile]]:
    """Return the files of messages, by the cursor, in their order; messages without files are left out."""
    marks = ", ".join("?" * len(cursors))
    rows = db.execute(f"{_SELECT} WHERE message IN ({marks}) ORDER BY number", tuple(cursors))
    found: dict[int, list[StoredFile]] = {}
    for row in rows.fetchall():
        file = _file(row)
        found.setdefault(file.message, []).append(file)
    return found


def of_outbox(db: SqlConnection, numbers: Sequence[int]) -> dict[int, tuple[File, ...]]:
    """Return what the messages at some places of the outbox say of their files."""
    if not numbers or db.execute("SELECT 1 FROM file LIMIT 1").fetchone() is None:
        return {}
    marks = ", ".join("?" * len(numbers))
    rows = db.execute(
        f"SELECT {_COLUMNS}, outbox.number FROM outbox JOIN file ON file.message = message_cursor "  # noqa: S608
        f"WHERE outbox.number IN ({marks}) ORDER BY file.number",
        tuple(numbers),
    ).fetchall()
    found: dict[int, tuple[File, ...]] = {}
    for row in rows:
        found[row[-1]] = (*found.get(row[-1], ()), content(_file(row[:_COUNT])))
    return found


def next_upload(db: SqlConnection, skip: Iterable[int], most: int = MAX_COUNTER) -> Transfer | None:
    """Return the oldest file of at most so many bytes whose message waits for it in a channel that the relay has."""
    return transfer_of(
        db,
        "JOIN outbox ON outbox.message_cursor = file.message "
        "JOIN channel ON channel.id = outbox.channel WHERE file.state = 'uploading' "
        f"AND outbox.state = 'queued' AND channel.state = 'active' AND file.size <= {most:d}",
        "outbox.number",
        skip,
    )


def next_fetch(
    db: SqlConnection, skip: Iterable[int], small: int, most: int = MAX_COUNTER
) -> Transfer | None:
    """Return the oldest file that is wanted, else one of at most `small` bytes that nobody has asked for.

    None of them has more than `most` bytes.
    """
    skipped, small = tuple(skip), min(small, most)
    wanted = f"WHERE file.state = 'fetching' AND file.size <= {most:d}"
    offered = f"WHERE file.state = 'offered' AND file.size <= {small:d}"
    return transfer_of(db, wanted, "NULL", skipped) or transfer_of(db, offered, "NULL", skipped)


def held_bytes(db: SqlConnection) -> int:
    """Return how many bytes all copies have, or will have once they are whole."""
    # The overhead of chunks is left out: it is one part in 3,855.
    (total,) = db.execute(
        f"SELECT coalesce(sum(size), 0) FROM file WHERE state IN {_HELD}"  # noqa: S608  constant
    ).fetchone()
    return int(total)


def spare(db: SqlConnection, limit: int) -> list[StoredFile]:
    """Return copies that can go first: of files of ours that the relay has, oldest first."""
    rows = db.execute(
        f"{_SELECT} WHERE state = 'here' AND mine ORDER BY number LIMIT ?", (limit,)
    ).fetchall()
    return [_file(row) for row in rows]


def end(db: SqlConnection, now_ms: int) -> None:
    """Forget the files of messages that have expired; let those go whose message will not be sent."""
    db.execute(
        "DELETE FROM file WHERE message IN (SELECT cursor FROM message WHERE expires_at_ms <= ?)",
        (now_ms,),
    )
    db.execute(
        "UPDATE file SET state = 'gone', reason = 'failed' WHERE state = 'uploading' AND EXISTS "
        "(SELECT 1 FROM outbox WHERE message_cursor = file.message AND state = 'failed')"
    )


def stored_names(db: SqlConnection) -> set[str]:
    """Return the names of all copies that there should be."""
    rows = db.execute(f"SELECT stored FROM file WHERE state IN {_HELD}")  # noqa: S608  constant
    return {name for (name,) in rows.fetchall()}


def transfer_of(db: SqlConnection, rest: str, outbox: str, skip: Iterable[int]) -> Transfer | None:
    """Return the oldest file that `rest` leaves, `outbox` being the expression of its place there."""
    skipped = tuple(skip)
    marks = ", ".join("?" * len(skipped))
    row = db.execute(
        f"SELECT {_COLUMNS}, message.id, message.channel, {outbox}, message.expires_at_ms FROM file "  # noqa: S608
        f"JOIN message ON message.cursor = file.message {rest} AND file.number NOT IN ({marks}) "
        "AND message.channel IS NOT NULL ORDER BY file.number LIMIT 1",
        skipped,
    ).fetchone()
    return Transfer(_file(row[:_COUNT]), *row[_COUNT:]) if row else None


def _file(row: Sequence[object]) -> StoredFile:
    cells = list(row)
    cells[10] = bool(cells[10])
    cells[12] = FileState(str(cells[12]))
    return StoredFile(*cells)  # type: ignore[arg-type]
