"""What uploads and fetches have in common: a few files at a time, while the link is up, on a line of their own.

The parts of the files on their way take turns on the line. Oldest first, but large files never take all of the lanes,
so that a small one does not wait for them; memory is bounded by lanes, window and the size of a part.

A file that cannot move now is tried again later, and does not hold the others up; a broken line is opened anew. How far
each file has come is kept in memory for whoever asks, and told by an event at most every tenth of a large file.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from peerpost_daemon import event_data
from peerpost_daemon.bell import Bell
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.files.blob_line import BlobLine
from peerpost_daemon.files.folder import FileFolder
from peerpost_daemon.ids import message_text
from peerpost_daemon.link.errors import LinkError, RefusedError
from peerpost_daemon.records import events, files
from peerpost_daemon.records.files import FileState, Transfer
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.limits import MAX_COUNTER

WINDOW = 4
"""Parts of a file that are asked or sent before the first of them is answered."""
LANES = 3
"""Files of one direction that are on their way at once."""
LARGE_LANES = LANES - 1
"""Of these, how many may be larger than SMALL_BYTES."""
SMALL_BYTES = 8 * 1024 * 1024
LOOK_AGAIN_SECONDS = 15.0
RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 300.0
MAX_SKIPPED = 256
"""Files that wait for another try; with more, none of them is passed over any longer."""
STEPS = 10
TOLD_FROM_BYTES = 8 * 1024 * 1024
"""Smaller files are told of when they are done."""

OpenLine = Callable[[], Awaitable[BlobLine]]
_log = logging.getLogger(__name__)


class Progress:
    """Know how many bytes of the files on their way have moved."""

    def __init__(self) -> None:
        self._done: dict[int, int] = {}

    def of(self, number: int) -> int | None:
        """Return the bytes moved, None for a file that does not move now."""
        return self._done.get(number)

    def note(self, number: int, done: int) -> None:
        """Note how far a file has come."""
        self._done[number] = done

    def forget(self, number: int) -> None:
        """Forget a file that moves no more."""
        self._done.pop(number, None)


class Transfers:
    """Move files in one direction; a subclass says which is next and how it moves."""

    def __init__(
        self,
        database: Database,
        folder: FileFolder,
        open_line: OpenLine,
        progress: Progress,
        bell: Bell,
        *,
        now_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._folder = folder
        self._open_line = open_line
        self._progress = progress
        self._bell = bell
        self._now_ms = now_ms
        self._woken = asyncio.Event()
        self._online = False
        self._line: BlobLine | None = None
        self._opening = asyncio.Lock()
        self._moving: dict[int, tuple[Transfer, asyncio.Task[None]]] = {}
        self._not_before: dict[int, float] = {}

    def wake(self) -> None:
        """Look for files to move."""
        self._woken.set()

    def go(self, *, online: bool) -> None:
        """Begin with the link, or stop with it."""
        self._online = online
        self._not_before.clear()
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                await self._wait()
                await self._move_all()
                await self._hang_up()
        finally:
            await self._stop()
            await self._hang_up()

    async def next_of(self, db_skip: tuple[int, ...], most: int) -> Transfer | None:
        """Return the next file of at most so many bytes, without those to skip."""
        raise NotImplementedError

    async def move(self, line: BlobLine, transfer: Transfer) -> None:
        """Move one file to its end; raise LinkError, DaemonError."""
        raise NotImplementedError

    async def refused(self, transfer: Transfer, reason: str) -> None:
        """Note that the relay will never let this file pass."""
        raise NotImplementedError

    def moved(self, transfer: Transfer, done: int, total: int) -> bool:
        """Note how far a file has come; tell whether an event is due."""
        number = transfer.file.number
        before = self._progress.of(number) or 0
        self._progress.note(number, done)
        if total < TOLD_FROM_BYTES or done == total:
            return False
        return done * STEPS // total > before * STEPS // total

    async def tell(
        self, transfer: Transfer, state: str, done: int, reason: str | None = None
    ) -> None:
        """Raise the event that says how far a file has come."""
        await self.store(lambda db: self.add_event(db, transfer, state, done, reason))

    def add_event(
        self,
        db: SqlConnection,
        transfer: Transfer,
        state: str,
        done: int,
        reason: str | None = None,
    ) -> None:
        """Add that event in a transaction."""
        file = transfer.file
        data = event_data.FileData(
            file.number,
            message_text(transfer.message),
            transfer.channel.hex(),
            file.name,
            file.size,
            min(done, file.size),
            state,
            reason,
        )
        events.add(db, event_data.FILE, self._now_ms(), data, channel=transfer.channel)

    async def store(self, work: Callable[[SqlConnection], None]) -> None:
        """Write, and wake whoever listens."""
        await self._database.write(work)
        self._bell.ring()

    async def _wait(self) -> None:
        soonest = min(self._not_before.values(), default=None)
        now = asyncio.get_running_loop().time()
        delay = LOOK_AGAIN_SECONDS if soonest is None else max(0.0, soonest - now)
        try:
            async with asyncio.timeout(min(delay, LOOK_AGAIN_SECONDS)):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()
        self._drop_what_is_due()

    async def _move_all(self) -> None:
        """Move files until there is none that could move now."""
        while True:
            while self._online and len(self._moving) < LANES:
                if (transfer := await self._next()) is None:
                    break
                self._begin_lane(transfer)
            if not self._moving:
                return
            await self._lane_or_news()

    def _begin_lane(self, transfer: Transfer) -> None:
        number = transfer.file.number
        task = asyncio.create_task(self._try(transfer), name=f"file {number}")
        self._moving[number] = (transfer, task)

    async def _lane_or_news(self) -> None:
        """Wait until a lane is free, or there may be another file; raise what a lane did not foresee."""
        lanes = [task for _, task in self._moving.values()]
        news = [asyncio.create_task(self._wait())] if len(lanes) < LANES else []
        try:
            await asyncio.wait([*lanes, *news], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in news:
                task.cancel()
            await asyncio.gather(*news, return_exceptions=True)
        for number, (_, task) in list(self._moving.items()):
            if task.done():
                del self._moving[number]
                task.result()

    async def _stop(self) -> None:
        lanes = [task for _, task in self._moving.values()]
        self._moving.clear()
        for task in lanes:
            task.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)

    async def _next(self) -> Transfer | None:
        self._drop_what_is_due()
        if len(self._not_before) > MAX_SKIPPED:
            self._not_before.clear()
        large = sum(moving.file.size > SMALL_BYTES for moving, _ in self._moving.values())
        most = MAX_COUNTER if large < LARGE_LANES else SMALL_BYTES
        return await self.next_of((*self._not_before, *self._moving), most)

    async def _try(self, transfer: Transfer) -> None:
        number = transfer.file.number
        try:
            await self.move(await self._usable_line(), transfer)
        except RefusedError as error:
            if error.come_back:
                self.later(number, (error.retry_after_ms or 0) / 1000)
            else:
                await self.refused(transfer, error.kind)
        except (LinkError, DaemonError) as error:
            _log.info("a file has to wait: %s", error.kind)
            self.later(number, 0)
        finally:
            self._progress.forget(number)

    def _drop_what_is_due(self) -> None:
        now = asyncio.get_running_loop().time()
        self._not_before = {n: at for n, at in self._not_before.items() if at > now}

    def later(self, number: int, seconds: float) -> None:
        """Try a file again after some seconds, RETRY_SECONDS at least."""
        wait = min(max(seconds, RETRY_SECONDS), LONGEST_RETRY_SECONDS)
        self._not_before[number] = asyncio.get_running_loop().time() + wait

    async def _usable_line(self) -> BlobLine:
        async with self._opening:
            if self._line is None or not self._line.usable:
                await self._hang_up()
                self._line = await self._open_line()
            return self._line

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()


def settled(db: SqlConnection, transfer: Transfer, state: FileState, reason: str | None) -> bool:
    """Note the end of a transfer; tell whether it was under way still."""
    under_way = (FileState.UPLOADING, FileState.FETCHING)
    return files.set_state(db, transfer.file.number, state, reason, was=under_way)
