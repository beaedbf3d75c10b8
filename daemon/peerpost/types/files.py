"""Files of messages."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

FileState = Literal["uploading", "offered", "fetching", "here", "refused", "gone"]


class FileToSend(TypedDict):
    """A file that a message shall have: an absolute `path`, or a `draft` of this connection."""

    path: NotRequired[str]
    draft: NotRequired[int]
    name: NotRequired[str]
    media_type: NotRequired[str]


class Attached(TypedDict):
    """A file in its message; `preview`: `file_show` has a small picture of it."""

    file: int
    name: str
    media_type: str
    size: int
    state: FileState
    reason: str | None
    preview: bool


class File(TypedDict):
    """A file and how far it has come; `preview` is base64."""

    file: int
    message: str
    name: str
    media_type: str
    size: int
    sha256: str
    mine: bool
    state: FileState
    reason: str | None
    done: int
    preview: str | None


class Draft(TypedDict):
    """A file that is being handed over, and how many bytes of it are."""

    draft: int
    size: int


class FilePiece(TypedDict):
    """Bytes of a file, in base64, from an offset on."""

    data: str
    offset: int
    size: int


class Saved(TypedDict):
    """Where a file was written."""

    file: int
    path: str
    size: int
