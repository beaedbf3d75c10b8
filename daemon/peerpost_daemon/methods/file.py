"""file.*: hand over files to be sent, fetch those of others, read and save them."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Meta, Struct

from peerpost_daemon import views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError, NotShown
from peerpost_daemon.files.keeping import make_room
from peerpost_daemon.files.reading import Plaintext, gone, pieces
from peerpost_daemon.files.saving import place, save
from peerpost_daemon.methods.filing import MAX_PIECE, Filing, NameParam, PathParam, own_path
from peerpost_daemon.methods.params import Timeout, allowed
from peerpost_daemon.records import files, messages
from peerpost_daemon.records.files import FileState, StoredFile
from peerpost_daemon.records.within import Within
from peerpost_daemon.rpc import Call, Method, Reach, Scope
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.limits import MAX_COUNTER

DEFAULT_TIMEOUT: Final = 30.0  # seconds
_END: Final = frozenset({FileState.HERE, FileState.REFUSED, FileState.GONE})
FileNumber = Annotated[int, Meta(ge=1, le=MAX_COUNTER)]


class Begin(Struct, frozen=True, forbid_unknown_fields=True):
    """Take the name of a file to send, and what it is unless its bytes shall say so."""

    name: NameParam
    media_type: str | None = None


class Write(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a draft, the bytes it has, and those that follow."""

    draft: int
    offset: Annotated[int, Meta(ge=0, le=MAX_COUNTER)]
    data: Annotated[bytes, Meta(max_length=2 * MAX_PIECE)]


class Show(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a file."""

    file: FileNumber


class Fetch(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a file, and how long to wait until it is here."""

    file: FileNumber
    timeout: Timeout = DEFAULT_TIMEOUT


class Read(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a file that is here, and which of its bytes."""

    file: FileNumber
    offset: Annotated[int, Meta(ge=0, le=MAX_COUNTER)]
    length: Annotated[int, Meta(ge=1, le=MAX_PIECE)] = MAX_PIECE


class Save(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a file that is here, and where it shall be."""

    file: FileNumber
    path: PathParam
    overwrite: bool = False


class Draft(Struct, frozen=True):
    """Show a draft and how many bytes it has."""

    draft: int
    size: int


class FilePiece(Struct, frozen=True):
    """Show bytes of a file of `size` bytes."""

    data: bytes
    offset: int
    size: int


class Saved(Struct, frozen=True):
    """Show where a file is now."""

    file: int
    path: str
    size: int


class FileMethods:
    """The methods of the noun."""

    def __init__(self, daemon: Daemon, filing: Filing) -> None:
        self._daemon = daemon
        self._filing = filing

    def all(self) -> Iterator[Method]:
        """Declare them."""
        disk = ("storage_full", "storage_failed")
        here = ("unknown_file", "file_unavailable")
        handing = ("too_many_requests", "too_large", *disk)
        saving = (*here, "forbidden", "file_exists", "file_unreadable")
        for name, handler, scope, errors in (
            ("file.begin", self.begin, Scope.SEND, handing),
            ("file.write", self.write, Scope.SEND, ("unknown_file", "files_full", *handing)),
            ("file.show", self.show, Scope.RECEIVE, ("unknown_file",)),
            ("file.fetch", self.fetch, Scope.RECEIVE, (*here, "files_full", "timeout")),
            ("file.read", self.read, Scope.RECEIVE, here),
            ("file.save", self.save, Scope.RECEIVE, saving),
        ):
            yield Method.of(name, handler, scope=scope, reach=Reach.CHANNELS, errors=errors)

    async def begin(self, params: Begin, call: Call) -> Draft:
        """Begin to hand over a file that a message will have."""
        return Draft(await self._filing.begin(call, params.name, params.media_type), 0)

    async def write(self, params: Write, call: Call) -> Draft:
        """Hand over the next bytes of a draft."""
        draft = self._filing.of(call, params.draft)
        if params.offset != draft.size:
            message = f"The draft has {draft.size} bytes."
            raise DaemonError("invalid_params", message, field="offset")
        self._filing.check_room(len(params.data))
        await asyncio.to_thread(draft.write, params.data)
        return Draft(params.draft, draft.size)

    async def show(self, params: Show, call: Call) -> views.File:
        """Show a file, and how far it has come."""
        await self._file(call, params.file)
        return await self._view(params.file)

    async def fetch(self, params: Fetch, call: Call) -> views.File:
        """Fetch a file from the relay, and wait until it is here."""
        file = await self._file(call, params.file)
        if file.state not in (FileState.HERE, FileState.UPLOADING):
            await self._want(file)
            await self._arrived(call, params.file, params.timeout)
        return await self._view(params.file)

    async def read(self, params: Read, call: Call) -> FilePiece:
        """Return bytes of a file that is here; one after the other is quick, back and forth is not."""
        file = await self._file(call, params.file, here=True)
        held: dict[int, Plaintext] = call.state.setdefault("plaintexts", {})
        plaintext = held.pop(file.number, None)
        if plaintext is not None and plaintext.offset != params.offset:
            plaintext.close()
            plaintext = None
        if plaintext is None:
            for other in held.values():  # one open file a caller
                other.close()
            held.clear()
            plaintext = await asyncio.to_thread(Plaintext, self._daemon.files.folder, file)
            if "closes" not in call.state:
                call.state["closes"] = call.on_close(lambda: _close_all(held))
        try:
            data = await asyncio.to_thread(_read_at, plaintext, params.offset, params.length)
        except BaseException:
            plaintext.close()
            raise
        held[file.number] = plaintext
        return FilePiece(data, params.offset, file.size)

    async def save(self, params: Save, call: Call) -> Saved:
        """Write a file that is here to a path; for the daemon's own user."""
        path = own_path(call, params.path, "path")
        file = await self._file(call, params.file, here=True)
        folder = self._daemon.files.folder

        def work() -> str:
            target = place(path, file.name)
            save(pieces(folder, file), target, overwrite=params.overwrite)
            return str(target)

        return Saved(file.number, await asyncio.to_thread(work), file.size)

    async def _file(self, call: Call, number: int, *, here: bool = False) -> StoredFile:
        within = allowed(call, Scope.RECEIVE)
        found = await self._daemon.read(lambda db: _found(db, number, within))
        # What waits to be uploaded is whole here as well.
        if here and found.state not in (FileState.HERE, FileState.UPLOADING):
            raise gone(found)
        return found

    async def _view(self, number: int) -> views.File:
        running = self._daemon.running
        moving = running.files if running is not None else None
        moved = moving.progress.of(number) if moving is not None else None

        def look(db: SqlConnection) -> views.File | None:
            found = files.find(db, number)
            stored = messages.at(db, found.message) if found is not None else None
            if found is None or stored is None:
                return None
            return views.file(found, stored.message.id, moved)

        shown = await self._daemon.read(look)
        if shown is None:
            raise _unknown()
        return shown

    async def _want(self, file: StoredFile) -> None:
        if file.state is not FileState.FETCHING:
            if file.mine:
                raise gone(file)
            store = self._daemon.files
            await make_room(self._daemon.database, store.folder, file.size, store.max_bytes)
            await self._daemon.write(
                lambda db: files.set_state(db, file.number, FileState.FETCHING)
            )
        running = self._daemon.running
        if running is not None and running.files is not None:
            running.files.wake()

    async def _arrived(self, call: Call, number: int, seconds: float) -> None:
        bell = self._daemon.bell
        seen = bell.rings
        try:
            async with asyncio.timeout(seconds):
                while (await self._file(call, number)).state not in _END:
                    seen = await bell.wait(seen)
        except TimeoutError:
            message = "The file is not here yet; it stays on its way."
            raise DaemonError("timeout", message, extra={"file": number}) from None
        file = await self._file(call, number)
        if file.state is not FileState.HERE:
            raise gone(file)


def _found(db: SqlConnection, number: int, within: Within) -> StoredFile:
    """Return a file; its message says whether this caller may know of it."""
    found = files.find(db, number)
    if found is None:
        raise _unknown()
    stored = messages.at(db, found.message) if within.bounded else None
    if within.bounded and (stored is None or not within.shows(db, stored.message)):
        raise _unknown(NotShown)
    return found


def _unknown(error: type[DaemonError] = DaemonError) -> DaemonError:
    return error("unknown_file", "No file has that number.", field="file")


def _read_at(plaintext: Plaintext, offset: int, length: int) -> bytes:
    while plaintext.offset < offset:
        if not plaintext.read(min(MAX_PIECE, offset - plaintext.offset)):
            break
    return plaintext.read(length)


def _close_all(held: dict[int, Plaintext]) -> None:
    for plaintext in held.values():
        plaintext.close()
    held.clear()
