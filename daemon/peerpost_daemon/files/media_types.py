"""What a file is: by its first bytes where they say so, else by its name."""

import mimetypes
from typing import Final

import msgspec

from peerpost_protocol.content import MediaType

HEAD_BYTES: Final = 16
UNKNOWN: Final = "application/octet-stream"
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
)
_CONTAINERS: Final = frozenset({"application/zip", "application/gzip"})


def media_type_of(name: str, head: bytes) -> str:
    """Return the media type; a name says what kind of archive it is, and cannot make an image of a program."""
    guessed = mimetypes.guess_type(name, strict=False)[0] or UNKNOWN
    found = next((type_ for magic, type_ in _MAGIC if head.startswith(magic)), None)
    if found is None:
        return _valid(guessed) if not guessed.startswith("image/") or _textual(guessed) else UNKNOWN
    return _valid(guessed) if found in _CONTAINERS and guessed != UNKNOWN else found


def _textual(media_type: str) -> bool:
    return media_type == "image/svg+xml"


def _valid(media_type: str) -> str:
    try:
        return msgspec.convert(media_type.lower(), MediaType)
    except msgspec.ValidationError:
        return UNKNOWN
