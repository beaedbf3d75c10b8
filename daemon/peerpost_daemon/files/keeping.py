"""Keep the store of files within its bounds, and free of what nobody needs.

A copy goes with its message: when that has expired, was deleted, or will not be sent. Rows decide: a copy that no row
names is removed, whoever removed the row. When there is no room, copies of files of ours that the relay has go first,
oldest first; what others sent stays until its message goes.
"""

import asyncio
import logging
from collections.abc import Callable

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.files.folder import FileFolder
from peerpost_daemon.records import files
from peerpost_daemon.records.files import FileState, StoredFile
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database

LOOK_SECONDS = 60.0
MAX_AT_ONCE = 100

_log = logging.getLogger(__name__)


class Keeping:
    """Look from time to time."""

    def __init__(
        self, database: Database, folder: FileFolder, *, now_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._folder = folder
        self._now_ms = now_ms

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self.look()
            except (DaemonError, OSError) as error:
                _log.warning("files were not removed: %s", type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Remove what has ended."""
        now_ms = self._now_ms()
        await self._database.write(lambda db: files.end(db, now_ms), later=True)
        there = set(await asyncio.to_thread(lambda: list(self._folder.names())))
        drafts = frozenset(
            self._folder.drafts
        )  # before the rows: what leaves them meanwhile has one
        known = await self._database.read(files.stored_names)
        for name in there - known - drafts:
            await asyncio.to_thread(self._folder.remove, name)


async def make_room(database: Database, folder: FileFolder, size: int, bound: int) -> None:
    """Let `size` more bytes have room below the bound; raise DaemonError files_full."""
    while (over := await database.read(files.held_bytes) + size - bound) > 0:
        going: list[StoredFile] = []
        for file in await database.read(lambda db: files.spare(db, MAX_AT_ONCE)):
            if over > 0:
                going.append(file)
                over -= max(1, file.size)
        if not going:
            raise DaemonError("files_full", f"The store of files holds {bound} bytes at most.")
        await _remove(database, folder, going)


async def _remove(database: Database, folder: FileFolder, going: list[StoredFile]) -> None:
    """Forget that copies are there, then remove them."""

    def store(db: SqlConnection) -> None:
        for file in going:
            files.set_state(db, file.number, FileState.GONE, "room", was=(FileState.HERE,))

    await database.write(store)
    for file in going:
        await asyncio.to_thread(folder.remove, file.stored)
