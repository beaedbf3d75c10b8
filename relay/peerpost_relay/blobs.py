"""Move the bytes of blobs: a stage beside the others, so that messages do not wait for files.

Each connection has a line of requests that are worked off one after the other; the lines take turns in a few
threads, which read, write and hash. Rows change through the one writer, and only they decide: a file without a
row is removed at the start, a row without its file too. What waits is bounded in bytes, for each connection and
for all; beyond that a request is refused at once.
"""

import asyncio
import errno
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar, cast

from msgspec import Struct

from peerpost_protocol.frames import (
    Accepted,
    BeginUpload,
    BlobPart,
    ReadBlob,
    RemoveBlob,
    UploadChunk,
    UploadState,
)
from peerpost_protocol.refusals import Refusal
from peerpost_relay import blob_rules as rules
from peerpost_relay.blob_folder import BlobFolder, Part
from peerpost_relay.blob_leftovers import leftovers
from peerpost_relay.errors import RefusalError, StoreError, fault
from peerpost_relay.peer import Peer
from peerpost_relay.settings import RelaySettings, Renewable
from peerpost_relay.store import Operation, Store, StoredBlob, Transaction
from peerpost_relay.writer import Write, Writer

NAME_BYTES = 16
SWEPT_TOGETHER = 100

BlobFrame = BeginUpload | UploadChunk | ReadBlob | RemoveBlob
BlobAnswer = UploadState | BlobPart | Accepted
Answered = Callable[[Peer], None]
T = TypeVar("T")

log = logging.getLogger(__name__)


class Asked(Struct, frozen=True):
    """Be a request that waits in its connection's line."""

    frame: BlobFrame
    size: int


class Line:
    """Be what one connection has asked and not been answered."""

    def __init__(self) -> None:
        self.waiting: deque[Asked] = deque()
        self.bytes = 0
        self.task: asyncio.Task[None] | None = None


class Upload:
    """Be an upload that a connection goes on with."""

    def __init__(self, peer: Peer, blob: StoredBlob, part: Part) -> None:
        self.peer = peer
        self.blob = blob
        self.part = part
        self.turn = asyncio.Lock()  # an older connection may still be at it


class Blobs(Renewable):
    """Own the lines, the uploads and their threads."""

    def __init__(
        self,
        settings: RelaySettings,
        store: Store,
        writer: Writer,
        folder: BlobFolder | None,
        *,
        clock: Callable[[], int],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._settings = settings
        self._store = store
        self._writer = writer
        self._folder = folder
        self._clock = clock
        self._random_bytes = random_bytes
        self._threads = ThreadPoolExecutor(settings.blob_threads, "blobs")
        self._lines: dict[Peer, Line] = {}
        self._uploads: dict[int, Upload] = {}
        self._opening: set[int] = set()  # uploads whose file a thread opens at this moment
        self._numbers: dict[tuple[Peer, bytes, bytes], int] = {}
        self._bytes = 0
        self._ready = asyncio.Event()

    # -- what the desk asks ----------------------------------------------------------------------

    def take(self, peer: Peer, frame: BlobFrame, answered: Answered) -> None:
        """Let a request wait in its line, or refuse it at once."""
        line = self._lines.setdefault(peer, Line())
        asked = Asked(frame, _size(frame))
        try:
            self._require_room(peer, line, asked)
        except RefusalError as refusal:
            answered(peer)
            peer.refuse(frame.request, refusal)
            return
        line.waiting.append(asked)
        line.bytes += asked.size
        self._bytes += asked.size
        if line.task is None:
            line.task = asyncio.get_running_loop().create_task(self._work(peer, line, answered))

    def forget(self, peer: Peer) -> None:
        """Forget a peer whose connection is gone; what it uploaded so far stays."""
        line = self._lines.get(peer)
        if line is not None and line.task is None:
            self._leave(peer)

    async def run(self) -> None:
        """Tidy up once, then look for what has ended until cancelled."""
        if self._folder is None:
            return
        try:
            await self._tidy(self._folder)
        except (StoreError, OSError) as error:
            log.warning("the folder of blobs was not tidied: %s", error)
        self._ready.set()
        while True:
            await self.sweep()
            await asyncio.sleep(self._settings.blob_sweep_seconds)

    async def sweep(self) -> None:
        """Remove what has expired and the uploads that nobody goes on with."""
        now_ms = self._clock()
        idle_ms = now_ms - round(self._settings.upload_idle_seconds * 1000)
        busy = frozenset(self._uploads) | self._opening

        def operation(transaction: Transaction) -> list[str]:
            ended = transaction.ended_blobs(now_ms, idle_ms, SWEPT_TOGETHER)
            names = [transaction.remove_blob(number) for number in ended if number not in busy]
            return [name for name in names if name is not None]

        try:
            for name in await self._commit(operation):
                await self._in_thread(self._required().remove, name)
        except (RefusalError, OSError) as error:
            log.warning("expired blobs were not removed: %s", error)

    async def close(self) -> None:
        """End all work; unfinished uploads stay as they are."""
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._threads.shutdown(wait=True, cancel_futures=True)
        for upload in self._uploads.values():
            upload.part.close()
        self._uploads.clear()

    # -- one line --------------------------------------------------------------------------------

    async def _work(self, peer: Peer, line: Line, answered: Answered) -> None:
        await self._ready.wait()
        while line.waiting:
            asked = line.waiting.popleft()
            answer = None if peer.gone else await self._answer(peer, asked.frame)
            line.bytes -= asked.size
            self._bytes -= asked.size
            answered(peer)
            if isinstance(answer, RefusalError):
                peer.refuse(asked.frame.request, answer)
            elif answer is not None:
                peer.send(answer)
        line.task = None
        if peer.gone:
            self._leave(peer)

    async def _answer(self, peer: Peer, frame: BlobFrame) -> BlobAnswer | RefusalError:
        try:
            return await self._done(peer, frame)
        except RefusalError as refusal:
            return refusal
        except StoreError as error:
            return self._failed(error.kind)
        except OSError as error:
            log.warning("a blob could not be read or written: %s", error.strerror)
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            return self._failed(Refusal.STORAGE_FULL if full else Refusal.STORAGE_FAILED)
        except Exception as error:  # noqa: BLE001  one request must not take the others with it
            return fault(error)

    async def _done(self, peer: Peer, frame: BlobFrame) -> BlobAnswer:
        match frame:
            case BeginUpload():
                return await self._begin(peer, frame)
            case UploadChunk():
                return await self._chunk(peer, frame)
            case ReadBlob():
                return await self._read(peer, frame)
            case RemoveBlob():
                return await self._remove(peer, frame)

    async def _begin(self, peer: Peer, asked: BeginUpload) -> UploadState:
        folder, card = self._required(), peer.session.require_proof().card.id
        name = self._random_bytes(NAME_BYTES).hex()
        fresh = rules.Fresh(self._clock(), name, await self._in_thread(folder.free_bytes))
        blob = await self._commit(lambda t: rules.begin(t, asked, card, fresh, self._settings))
        if blob.durable:
            return UploadState(asked.request, blob.id, blob.size, durable=True)
        upload = await self._open(peer, asked.channel, blob)
        if upload.part.size == blob.size:
            async with upload.turn:
                return await self._finish(upload, asked)
        return UploadState(asked.request, blob.id, upload.part.size, durable=False)

    async def _open(self, peer: Peer, channel: bytes, blob: StoredBlob) -> Upload:
        """Take an upload over, also from an older connection of the same card."""
        before = self._uploads.get(blob.number)
        if before is not None:
            return await self._take_over(before, peer, channel)
        if blob.number in self._opening:
            raise self._too_many("another connection of the card is beginning this upload")
        if len(self._uploads) + len(self._opening) >= self._settings.uploads_open_max:
            raise self._too_many("the relay has as many uploads as it may")
        self._opening.add(blob.number)
        try:
            part = await self._in_thread(self._required().part, blob.name, blob.size)
        finally:
            self._opening.discard(blob.number)
        upload = self._uploads[blob.number] = Upload(peer, blob, part)
        self._numbers[peer, channel, blob.id] = blob.number
        return upload

    async def _take_over(self, before: Upload, peer: Peer, channel: bytes) -> Upload:
        """Go on with an upload that is open; raise RefusalError when it ended meanwhile."""
        if before.peer is peer:
            return before
        number = before.blob.number
        async with before.turn:
            if self._uploads.get(number) is not before:
                raise self._too_many("the upload has just ended; begin again")
            self._numbers.pop((before.peer, channel, before.blob.id), None)
            before.peer = peer
            self._numbers[peer, channel, before.blob.id] = number
        return before

    async def _chunk(self, peer: Peer, asked: UploadChunk) -> UploadState:
        number = self._numbers.get((peer, asked.channel, asked.blob))
        upload = self._uploads.get(number) if number is not None else None
        if upload is not None:
            async with upload.turn:
                if upload.peer is peer and self._uploads.get(upload.blob.number) is upload:
                    return await self._append(upload, asked)
        raise RefusalError(Refusal.UNKNOWN_BLOB, "no such upload was begun in this session")

    async def _append(self, upload: Upload, asked: UploadChunk) -> UploadState:
        size = upload.part.size
        if asked.offset != size:
            raise RefusalError(Refusal.WRONG_OFFSET, f"{size} bytes are there", field="offset")
        if size + len(asked.data) > upload.blob.size:
            raise RefusalError(Refusal.TOO_LARGE, "more than the blob's size", field="data")
        await self._in_thread(upload.part.append, asked.data)
        if upload.part.size == upload.blob.size:
            return await self._finish(upload, asked)
        return UploadState(asked.request, asked.blob, upload.part.size, durable=False)

    async def _finish(self, upload: Upload, asked: BeginUpload | UploadChunk) -> UploadState:
        """Check the whole against its id, make it durable, then say so."""
        blob, peer = upload.blob, upload.peer
        if not upload.part.is_(blob.id):
            await self._drop(upload, asked.channel)
            raise RefusalError(Refusal.WRONG_BLOB, "the bytes are not those that the id names")
        card = peer.session.require_proof().card.id
        await self._in_thread(upload.part.complete)
        try:
            await self._commit(lambda t: rules.finish(t, blob.number, card, asked.channel))
        finally:
            self._forget_upload(upload, asked.channel)
        return UploadState(asked.request, blob.id, blob.size, durable=True)

    async def _drop(self, upload: Upload, channel: bytes) -> None:
        self._forget_upload(upload, channel)
        await self._commit(lambda t: t.remove_blob(upload.blob.number))
        await self._in_thread(self._required().remove, upload.blob.name)

    async def _read(self, peer: Peer, asked: ReadBlob) -> BlobPart:
        if peer.line.buffered > self._settings.answer_bytes_max:
            raise self._too_many("read the answers first")
        card = peer.session.require_proof().card.id
        blob = await self._store.read(lambda s: _found(s, asked, card))
        if isinstance(blob, RefusalError):
            raise blob
        if asked.offset >= blob.size:
            raise RefusalError(Refusal.WRONG_OFFSET, f"it has {blob.size} bytes", field="offset")
        read = partial(self._required().read, blob.name, asked.offset, asked.length)
        try:
            data = await self._in_thread(read)
        except FileNotFoundError:
            raise RefusalError(Refusal.UNKNOWN_BLOB, "the channel has no such blob") from None
        return BlobPart(asked.request, blob.id, asked.offset, blob.size, data)

    async def _remove(self, peer: Peer, asked: RemoveBlob) -> Accepted:
        card = peer.session.require_proof().card.id
        for name in await self._commit(lambda t: rules.remove(t, asked, card)):
            await self._in_thread(self._required().remove, name)
        return Accepted(asked.request, asked.blob, 0)

    # -- inside ----------------------------------------------------------------------------------

    def _require_room(self, peer: Peer, line: Line, asked: Asked) -> None:
        settings = self._settings
        if self._folder is None:
            raise RefusalError(Refusal.TOO_LARGE, "this relay keeps no blobs")
        if line.bytes + asked.size > settings.peer_blob_bytes_max:
            raise self._too_many("wait for the answers first")
        if self._bytes + asked.size > settings.blob_in_flight_bytes_max:
            raise self._too_many("too many files are under way at once")
        peer.session.require_proof()

    def _too_many(self, detail: str) -> RefusalError:
        retry = self._settings.retry_after_ms
        return RefusalError(Refusal.TOO_MANY_REQUESTS, detail, retry_after_ms=retry)

    def _failed(self, kind: Refusal) -> RefusalError:
        retry = self._settings.retry_after_ms
        return RefusalError(kind, "the relay's disk failed", retry_after_ms=retry)

    def _required(self) -> BlobFolder:
        assert self._folder is not None
        return self._folder

    def _forget_upload(self, upload: Upload, channel: bytes) -> None:
        upload.part.close()
        self._uploads.pop(upload.blob.number, None)
        self._numbers.pop((upload.peer, channel, upload.blob.id), None)

    def _leave(self, peer: Peer) -> None:
        self._lines.pop(peer, None)
        for key, number in list(self._numbers.items()):
            if key[0] is peer:
                del self._numbers[key]
                self._uploads.pop(number).part.close()

    async def _commit(self, operation: Operation[T]) -> T:
        """Commit through the one writer; raise RefusalError."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def settle(result: object) -> None:
            if not done.done():
                done.set_result(result)

        self._writer.put(Write(operation, settle))
        result = await done
        if isinstance(result, RefusalError):
            raise result
        return cast("T", result)

    async def _in_thread(self, function: Callable[..., T], *args: object) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(function, *args))

    async def _tidy(self, folder: BlobFolder) -> None:
        """Remove files without a row, and rows of blobs without their file."""
        left = await leftovers(self._store, folder, self._in_thread)
        for name in left.files:
            await self._in_thread(folder.remove, name)
        if left.rows:
            await self._commit(lambda t: [t.remove_blob(number) for number in left.rows])
        if left.files or left.rows:
            log.warning(
                "%d files, %d rows of blobs were left over", len(left.files), len(left.rows)
            )


def _size(frame: BlobFrame) -> int:
    match frame:
        case UploadChunk():
            return len(frame.data)
        case ReadBlob():
            return frame.length
        case BeginUpload() | RemoveBlob():
            return 0


def _found(snapshot: Any, asked: ReadBlob, card: bytes) -> StoredBlob | RefusalError:  # noqa: ANN401
    try:
        return rules.find(snapshot, asked.blob, card, asked.channel)
    except RefusalError as refusal:
        return refusal
