"""Uploads: the copies of files that are sent go to the relay; then their message may leave.

What the relay has already is not sent again, and it is asked first, also after a break. That it says so is not
believed about the bytes: the id covers all of them, and receivers check it.

A relay that was put back from an older copy may have lost files of messages that it has still, or is given again. It is
asked for each of them as if it were to be uploaded, and gets those again whose copy is here (`records/doubts.py`).
"""

import asyncio
from collections import deque
from collections.abc import Callable

from peerpost_daemon.delivering import give_up
from peerpost_daemon.files.blob_line import BlobLine
from peerpost_daemon.files.transfers import WINDOW, Transfers
from peerpost_daemon.link.errors import RefusedError
from peerpost_daemon.records import doubts, files, unwanted_blobs
from peerpost_daemon.records.files import FileState, StoredFile, Transfer
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.file import blob_size
from peerpost_protocol.frames import BeginUpload, UploadChunk, UploadState
from peerpost_protocol.limits import MAX_BLOB_PART
from peerpost_protocol.refusals import Refusal

MAX_BEGINNINGS = 5
"""How often an upload is begun in one go when the relay loses or mistakes it."""
LOST = "copy_lost"
LOST_CHANNEL_SECONDS = 5.0
"""A relay that has lost the channel too is given that first, by `outbound.mending`."""
_LOST_CHANNEL = frozenset({Refusal.UNKNOWN_CHANNEL, Refusal.NOT_A_MEMBER})
_BEGIN_AGAIN = frozenset({Refusal.WRONG_OFFSET, Refusal.WRONG_BLOB, Refusal.UNKNOWN_BLOB})


class Uploads(Transfers):
    """Upload what waits; `uploaded` is told when a message may leave, `unwanted` when it had gone before its file."""

    uploaded: Callable[[], None] = staticmethod(lambda: None)
    unwanted: Callable[[], None] = staticmethod(lambda: None)

    async def next_of(self, db_skip: tuple[int, ...], most: int) -> Transfer | None:
        """Return the oldest file whose message waits for it, else one that the relay may have lost."""
        return await self._database.read(
            lambda db: (
                files.next_upload(db, db_skip, most) or doubts.next_doubted(db, db_skip, most)
            )
        )

    async def refused(self, transfer: Transfer, reason: str) -> None:
        """Give the message up: the relay will not take its file. One that has left stays as it is."""
        if transfer.outbox is None:
            await self._not_taken_again(transfer, reason)
            return
        number, now_ms = transfer.outbox, self._now_ms()

        def store(db: SqlConnection) -> None:
            settled = files.set_state(
                db, transfer.file.number, FileState.GONE, reason, was=(FileState.UPLOADING,)
            )
            if settled:
                self.add_event(db, transfer, FileState.GONE, 0, reason)
                give_up(db, [(number, transfer.message)], reason, now_ms)

        await self.store(store)

    async def move(self, line: BlobLine, transfer: Transfer) -> None:
        """Upload one file to its end."""
        if transfer.expires_at_ms is not None and transfer.expires_at_ms <= self._now_ms():
            await self.refused(transfer, Refusal.EXPIRED)
            return
        for again in range(MAX_BEGINNINGS):
            try:
                await self._send(line, transfer)
            except FileNotFoundError:
                await self.refused(transfer, LOST)
                return
            except RefusedError as error:
                if error.kind not in _BEGIN_AGAIN or again == MAX_BEGINNINGS - 1:
                    raise
            else:
                await self._finish(transfer)
                return

    async def _send(self, line: BlobLine, transfer: Transfer) -> None:
        file, total = transfer.file, blob_size(transfer.file.size)
        begin = BeginUpload(0, transfer.channel, file.blob, total, transfer.expires_at_ms)
        state = await line.answer(line.ask(begin), UploadState)
        offset = state.offset
        under_way: deque[asyncio.Future[object]] = deque()
        while not state.durable:
            while offset < total and len(under_way) < WINDOW:
                data = await asyncio.to_thread(
                    self._folder.read, file.stored, offset, MAX_BLOB_PART
                )
                if not data:
                    raise FileNotFoundError
                under_way.append(
                    line.ask(UploadChunk(0, transfer.channel, file.blob, offset, data))
                )
                offset += len(data)
            if not under_way:
                raise FileNotFoundError  # all is there, and the relay does not say so
            state = await line.answer(under_way.popleft(), UploadState)
            if self.moved(transfer, state.offset, total):
                await self.tell(transfer, FileState.UPLOADING, state.offset)

    async def _not_taken_again(self, transfer: Transfer, reason: str) -> None:
        number = transfer.file.number
        if reason in _LOST_CHANNEL:
            self.later(number, LOST_CHANNEL_SECONDS)
        else:
            await self.store(lambda db: doubts.settle(db, number))

    async def _finish(self, transfer: Transfer) -> None:
        file: StoredFile = transfer.file
        if transfer.outbox is None:
            await self.store(lambda db: doubts.settle(db, file.number))
            return
        may_leave = is_left = False

        def store(db: SqlConnection) -> None:
            nonlocal may_leave, is_left
            if (now := files.find(db, file.number)) is None or now.state is FileState.GONE:
                unwanted_blobs.note(db, transfer.channel, file.blob)
                is_left = True
                return
            may_leave = files.uploaded(db, file.number, file.message)
            self.add_event(db, transfer, FileState.HERE, file.size)

        await self.store(store)
        if is_left:
            self.unwanted()
        if may_leave:
            self.uploaded()
