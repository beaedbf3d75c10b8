"""Fetches: files of others come from the relay, are checked as they come, and stay encrypted.

Nothing is believed before the end: size, every chunk, the blob's hash and the file's hash (docs/protocol/file.md,
"Receiving"). A chunk that does not open ends the fetch at once, with an event; what had come is removed.
"""

import asyncio
from collections import deque

from peerpost_daemon.files.blob_line import BlobLine
from peerpost_daemon.files.folder import Part
from peerpost_daemon.files.transfers import WINDOW, Transfers, settled
from peerpost_daemon.records import files
from peerpost_daemon.records.files import FileState, Transfer, expected
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.faults import disk_fault
from peerpost_protocol.errors import DecryptionError
from peerpost_protocol.file import FileOpener, blob_size
from peerpost_protocol.frames import BlobPart, ReadBlob
from peerpost_protocol.limits import MAX_BLOB_PART


class Fetches(Transfers):
    """Fetch what is wanted."""

    max_bytes = 0
    fetch_bytes = 0

    async def next_of(self, db_skip: tuple[int, ...], most: int) -> Transfer | None:
        """Return the oldest file that is wanted, else a small one for which there is room; it has its room then."""

        def look(db: SqlConnection) -> Transfer | None:
            room = self.max_bytes - files.held_bytes(db)
            return files.next_fetch(db, db_skip, min(room, self.fetch_bytes), most)

        while (transfer := await self._database.read(look)) is not None:
            if await self._begin(transfer):
                return transfer
        return None

    async def refused(self, transfer: Transfer, reason: str) -> None:
        """Note that the relay has it no more, or not for us."""
        await self._end(transfer, FileState.GONE, reason)

    async def move(self, line: BlobLine, transfer: Transfer) -> None:
        """Fetch one file to its end, from where an earlier try has come to."""
        try:
            part = self._folder.part(transfer.file.stored)
            try:
                await self._receive(line, transfer, part)
            finally:
                part.close()
        except DecryptionError as error:
            await self._end(transfer, FileState.REFUSED, error.kind)
        except OSError as error:
            raise disk_fault("the store of files", error) from error
        else:
            await self._end(transfer, FileState.HERE, None)

    async def _begin(self, transfer: Transfer) -> bool:
        """Let the file be on its way; it may be gone by now."""
        wanted = (FileState.OFFERED, FileState.FETCHING)
        number = transfer.file.number
        return await self._database.write(
            lambda db: files.set_state(db, number, FileState.FETCHING, was=wanted), later=True
        )

    async def _receive(self, line: BlobLine, transfer: Transfer, part: Part) -> None:
        total = blob_size(transfer.file.size)
        opener = FileOpener(transfer.file.key, expected(transfer.file))
        await asyncio.to_thread(_read_again, part, opener)
        asked = part.size
        under_way: deque[tuple[int, asyncio.Future[object]]] = deque()
        while part.size < total:
            while asked < total and len(under_way) < WINDOW:
                length = min(MAX_BLOB_PART, total - asked)
                ask = ReadBlob(0, transfer.channel, transfer.file.blob, asked, length)
                under_way.append((length, line.ask(ask)))
                asked += length
            length, future = under_way.popleft()
            answer = await line.answer(future, BlobPart)
            if answer.size != total or len(answer.data) != length or answer.offset != part.size:
                raise DecryptionError("file_size", "the relay's parts do not fit")
            await asyncio.to_thread(_take, part, opener, answer.data)
            if self.moved(transfer, part.size, total):
                await self.tell(transfer, FileState.FETCHING, part.size)
        await asyncio.to_thread(_complete, part, opener)

    async def _end(self, transfer: Transfer, state: FileState, reason: str | None) -> None:
        file = transfer.file
        if state is not FileState.HERE:
            await asyncio.to_thread(self._folder.remove, file.stored)
        done = file.size if state is FileState.HERE else 0

        def store(db: SqlConnection) -> None:
            if settled(db, transfer, state, reason):
                self.add_event(db, transfer, state, done, reason)

        await self.store(store)


def _read_again(part: Part, opener: FileOpener) -> None:
    """Check what an earlier try has left."""
    offset = 0
    while data := part.read(offset, MAX_BLOB_PART):
        opener.feed(data)
        offset += len(data)


def _take(part: Part, opener: FileOpener, data: bytes) -> None:
    opener.feed(data)
    part.append(data)


def _complete(part: Part, opener: FileOpener) -> None:
    opener.finish()
    part.complete()
