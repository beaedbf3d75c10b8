"""Files of messages."""

from typing import Literal

import msgspec
from msgspec import Struct

from peerpost_daemon.ids import message_text
from peerpost_daemon.records.files import StoredFile

FileStateWord = Literal["uploading", "offered", "fetching", "here", "refused", "gone"]


class Attached(Struct, frozen=True):
    """Show a file in its message; `preview`: `file.show` has a small picture of it."""

    file: int
    name: str
    media_type: str
    size: int
    state: FileStateWord
    reason: str | None
    preview: bool


class File(Struct, frozen=True):
    """Show a file; `done` bytes of it have come or gone so far."""

    file: int
    message: str
    name: str
    media_type: str
    size: int
    sha256: str
    mine: bool
    state: FileStateWord
    reason: str | None
    done: int
    preview: bytes | None


_decoder = msgspec.json.Decoder(list[tuple[int, str, str, int, FileStateWord, str | None, int]])


def attached(stored: str | None) -> list[Attached]:
    """Return the files of a message, out of the record's JSON, in their order."""
    if stored is None:
        return []
    rows = sorted(_decoder.decode(stored))
    return [Attached(*row[:6], preview=bool(row[6])) for row in rows]


def file(found: StoredFile, message: bytes, moved: int | None) -> File:
    """Return a file in its written form; `moved`: what a transfer that is under way has done."""
    whole = found.state.value == "here"
    return File(
        found.number,
        message_text(message),
        found.name,
        found.media_type,
        found.size,
        found.sha256.hex(),
        found.mine,
        found.state.value,
        found.reason,
        found.size if whole else min(moved or 0, found.size),
        found.preview,
    )
