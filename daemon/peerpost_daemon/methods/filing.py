"""What callers hand over to be sent: paths that the daemon reads, and drafts that they write piece by piece.

The confused deputy: whoever may call us must not make us read, or write, what they may not. A path is therefore taken
only from a caller who is the daemon's own user, or root: these could read it themselves. Everybody else, and whoever
has no path, writes a draft; the bytes then come through the socket, read with the caller's own rights.
"""

import asyncio
import itertools
import os
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.files.drafts import Draft, Finished, copy
from peerpost_daemon.files.keeping import make_room
from peerpost_daemon.rpc import Call
from peerpost_protocol import limits
from peerpost_protocol.content import MediaType

MAX_PATH_CHARACTERS: Final = 4096
MAX_PIECE: Final = 2 * 1024 * 1024
_OPEN: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

PathParam = Annotated[str, Meta(min_length=1, max_length=MAX_PATH_CHARACTERS)]
NameParam = Annotated[str, Meta(min_length=1, max_length=limits.MAX_FILE_NAME_CHARACTERS)]


class FileParam(Struct, frozen=True, forbid_unknown_fields=True):
    """Be a file to send: `path`, or `draft` as of `file.begin`; `name` and `media_type` else come from it."""

    path: PathParam | None = None
    draft: int | None = None
    name: NameParam | None = None
    media_type: str | None = None


FilesParam = Annotated[list[PathParam | FileParam], Meta(max_length=limits.MAX_FILES)]


class Filing:
    """Know the drafts of all callers."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._numbers = itertools.count(1)
        self._open: set[Draft] = set()

    async def begin(self, call: Call, name: str, media_type: str | None) -> int:
        """Begin a draft for a caller; it goes with the connection."""
        draft = await self._new(name, media_type)
        number = next(self._numbers)
        _drafts(call)[number] = draft
        call.on_close(lambda: self._leave(call, number))
        return number

    def of(self, call: Call, number: int) -> Draft:
        """Return a draft of this caller; raise DaemonError unknown_file."""
        draft = _drafts(call).get(number)
        if draft is None:
            raise DaemonError("unknown_file", "This connection has no such draft.", field="draft")
        return draft

    def check_room(self, size: int) -> None:
        """Raise DaemonError files_full unless all drafts together may have `size` bytes more."""
        if sum(draft.size for draft in self._open) + size > self._bound:
            message = f"Files that are handed over have {self._bound} bytes at most."
            raise DaemonError("files_full", message)

    @asynccontextmanager
    async def finished(
        self, call: Call, asked: Sequence[str | FileParam]
    ) -> AsyncIterator[tuple[Finished, ...]]:
        """Lend the files of a message, whole and durable; those of a block that fails are taken back.

        A draft that the caller wrote stays the caller's then; a copy of a path is removed.
        """
        copies: list[Draft] = []
        mine: list[int] = []
        try:
            done = [await self._one(call, each, copies, mine) for each in asked]
            yield tuple(done)
        except BaseException:
            for draft in copies:
                self._close(draft)
            raise
        for draft in copies:
            draft.belongs()
            self._open.discard(draft)
        for number in mine:
            draft = _drafts(call).pop(number)
            draft.belongs()
            self._open.discard(draft)

    async def _one(
        self, call: Call, asked: str | FileParam, copies: list[Draft], mine: list[int]
    ) -> Finished:
        asked = FileParam(path=asked) if isinstance(asked, str) else asked
        if (asked.path is None) == (asked.draft is None):
            raise _invalid("Give each file a path or a draft.", "files")
        if asked.draft is not None:
            if asked.draft in mine:
                raise _invalid("A draft is sent once.", "files")
            draft = self.of(call, asked.draft)
            mine.append(asked.draft)
        else:
            draft = await self._copied(call, asked)
            copies.append(draft)
        await make_room(self._daemon.database, self._daemon.files.folder, draft.size, self._bound)
        return await asyncio.to_thread(draft.finish)

    @property
    def _bound(self) -> int:
        return self._daemon.files.max_bytes

    async def _copied(self, call: Call, asked: FileParam) -> Draft:
        path = own_path(call, asked.path or "", "files")
        descriptor = await asyncio.to_thread(_opened, path)
        try:
            size = os.fstat(descriptor).st_size
            self.check_room(size)
            await make_room(self._daemon.database, self._daemon.files.folder, size, self._bound)
            draft = await self._new(asked.name or path.name, asked.media_type)
            try:
                await asyncio.to_thread(copy, descriptor, draft)
            except BaseException:
                self._close(draft)
                raise
        finally:
            os.close(descriptor)
        return draft

    async def _new(self, name: str, media_type: str | None) -> Draft:
        settings = self._daemon.settings
        if len(self._open) >= settings.max_drafts:
            message = f"{settings.max_drafts} files are being handed over already."
            raise DaemonError("too_many_requests", message, retry_after=1.0)
        checked = _media_type(media_type)
        draft = await asyncio.to_thread(self._made, name, checked)
        self._open.add(draft)
        return draft

    def _made(self, name: str, media_type: str | None) -> Draft:
        return Draft(
            self._daemon.files.folder,
            name,
            media_type,
            max_bytes=self._daemon.settings.max_file_bytes,
            random_bytes=self._daemon.random_bytes,
        )

    def _leave(self, call: Call, number: int) -> None:
        draft = _drafts(call).pop(number, None)
        if draft is not None:
            self._close(draft)

    def _close(self, draft: Draft) -> None:
        self._open.discard(draft)
        draft.discard()


def own_path(call: Call, text: str, field: str) -> Path:
    """Return a path that this caller may have us use; raise DaemonError forbidden, invalid_params."""
    if call.peer.uid not in (os.geteuid(), 0):
        message = "Paths are for the daemon's own user; use file.write and file.read."
        raise DaemonError("forbidden", message, field=field)
    if not text.startswith("/") or "\0" in text:
        raise _invalid("A path is absolute.", field)
    return Path(text)


def _opened(path: Path) -> int:
    try:
        descriptor = os.open(path, _OPEN)
    except OSError as error:
        raise _unreadable(error.strerror or "it cannot be opened") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _unreadable("it is no ordinary file")
    return descriptor


def _unreadable(why: str) -> DaemonError:
    return DaemonError("file_unreadable", f"The file cannot be read: {why}.", field="files")


def _media_type(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        return msgspec.convert(given, MediaType)
    except msgspec.ValidationError:
        raise _invalid("A media_type is lower case, such as image/png.", "media_type") from None


def _drafts(call: Call) -> dict[int, Draft]:
    found: dict[int, Draft] = call.state.setdefault("drafts", {})
    return found


def _invalid(message: str, field: str) -> DaemonError:
    return DaemonError("invalid_params", message, field=field)
