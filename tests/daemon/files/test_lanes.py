"""Lanes: a few files move at once, and a small one never waits for large ones."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from peerpost_daemon.bell import Bell
from peerpost_daemon.files.blob_line import BlobLine
from peerpost_daemon.files.folder import FileFolder
from peerpost_daemon.files.transfers import LANES, LARGE_LANES, SMALL_BYTES, Progress, Transfers
from peerpost_daemon.link.errors import LinkDownError
from peerpost_daemon.records.files import FileState, StoredFile, Transfer
from peerpost_daemon.vault.database import Database
from tests.support.accounts import now_ms
from tests.support.people import digest

LARGE = SMALL_BYTES + 1
PATIENCE_SECONDS = 15.0


class Line:
    """Be a line that is open until it is closed."""

    def __init__(self) -> None:
        self.usable = True

    async def close(self) -> None:
        self.usable = False


class Played(Transfers):
    """Move files of given sizes, each until it is told to end."""

    def __init__(self, folder: Path) -> None:
        self.lines: list[Line] = []
        self.waiting: dict[int, int] = {}  # number: size
        self.moving: dict[int, asyncio.Event] = {}
        self.broken: set[int] = set()
        self.news = asyncio.Event()
        super().__init__(
            cast("Database", None),
            FileFolder(folder),
            self._open,
            Progress(),
            Bell(),
            now_ms=now_ms,
        )

    async def _open(self) -> BlobLine:
        self.lines.append(Line())
        return cast("BlobLine", self.lines[-1])

    async def next_of(self, db_skip: tuple[int, ...], most: int) -> Transfer | None:
        for number, size in self.waiting.items():
            if number not in db_skip and size <= most:
                return _transfer(number, size)
        return None

    async def move(self, line: BlobLine, transfer: Transfer) -> None:
        number = transfer.file.number
        self.moving[number] = asyncio.Event()
        self.news.set()
        try:
            await self.moving[number].wait()
            if number in self.broken:
                raise LinkDownError("link_down", "broken")
            del self.waiting[number]
        finally:
            del self.moving[number]
            self.news.set()

    async def are_moving(self, *numbers: int) -> None:
        """Wait until just these move."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while set(self.moving) != set(numbers):
                self.news.clear()
                await self.news.wait()


def _transfer(number: int, size: int) -> Transfer:
    blob = digest(f"{number}")
    names = {"name": "n", "said_name": "n", "media_type": "t/t", "stored": "0" * 32}
    file = StoredFile(
        number,
        message=1,
        blob=blob,
        key=blob,
        size=size,
        sha256=blob,
        preview=None,
        mine=True,
        state=FileState.UPLOADING,
        reason=None,
        **names,
    )
    return Transfer(file, blob[:16], blob, None, None)


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[Played]:
    made = Played(tmp_path)
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not any(line.usable for line in made.lines)


async def test_so_many_move_at_once_on_one_line_oldest_first(played: Played) -> None:
    played.waiting = dict.fromkeys(range(1, LANES + 3), 1)
    played.go(online=True)
    await played.are_moving(1, 2, 3)
    played.moving[2].set()
    await played.are_moving(1, 3, 4)
    assert len(played.lines) == 1


async def test_large_files_leave_a_lane_to_small_ones(played: Played) -> None:
    played.waiting = dict.fromkeys(range(1, 5), LARGE)
    played.go(online=True)
    await played.are_moving(*range(1, LARGE_LANES + 1))
    played.waiting[9] = SMALL_BYTES
    played.wake()
    await played.are_moving(1, 2, 9)
    played.moving[9].set()
    await played.are_moving(1, 2)
    played.moving[1].set()
    await played.are_moving(2, 3)


async def test_a_file_that_fails_does_not_stop_the_others(played: Played) -> None:
    played.waiting = {1: 1, 2: 1}
    played.broken = {1}
    played.go(online=True)
    await played.are_moving(1, 2)
    played.moving[1].set()
    await played.are_moving(2)
    played.moving[2].set()
    await played.are_moving(1)  # after a moment, again
    assert list(played.waiting) == [1]
