"""Tidy the vault in the background: remove what has expired or is not to be kept, and index what is new.

Each step is a bounded batch in a transaction of its own, and waits for others to share it. What has been removed is
overwritten in the pages (`secure_delete`, in the index of words as well), and a truncating checkpoint takes the pages
as they were out of the log. A file system or a disk may keep older copies of both; they are encrypted.

Expiry goes by the wall clock, which is what its sender meant; a clock set forward by mistake removes too early.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from peerpost_daemon.bell import Bell
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import events, indexing, removal, retention
from peerpost_daemon.records.retention import Retention
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database

LOOK_SECONDS = 5.0
RETENTION_LOOKS = 12
"""After so many looks it is seen what is not to be kept, which takes longer to find than what has expired; and the
log is cut in any case: at the latest then it holds nothing of what was taken back or let go."""
NOT_KEPT = "not_kept"

_log = logging.getLogger(__name__)


class Tidying:
    """Look at the vault every LOOK_SECONDS."""

    def __init__(self, database: Database, bell: Bell, *, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._bell = bell
        self._now_ms = now_ms
        self._looks = 0
        self._to_overwrite = False
        self._seen = 0

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self.look()
            except DaemonError as error:
                _log.warning("the vault was not tidied: %s", error.kind)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Do once what is due."""
        await self._remove(removal.expired, removal.EXPIRED)
        if self._looks % RETENTION_LOOKS == 0:
            for kept in await self._database.read(retention.everything):
                await self._remove(partial(_unwanted, kept), NOT_KEPT)
            self._to_overwrite = True
        self._looks += 1
        if await self._has_changed():
            self._to_overwrite = True
        if self._to_overwrite:
            self._to_overwrite = not await self._database.checkpoint()
        while await self._database.read(indexing.behind):
            await self._database.write(indexing.batch, later=True)

    async def _has_changed(self) -> bool:
        """Say whether an edit or a deletion has left something in the log since the last look."""
        after, self._seen = self._seen, await self._database.read(events.newest)
        return await self._database.read(lambda db: events.has_change(db, after, self._seen))

    async def _remove(self, find: Callable[[SqlConnection, int], list[int]], reason: str) -> None:
        while cursors := await self._database.read(lambda db: find(db, self._now_ms())):
            await self._database.write(
                partial(removal.remove, cursors=cursors, reason=reason, now_ms=self._now_ms())
            )
            self._to_overwrite = True
            self._bell.ring()


def _unwanted(kept: Retention, db: SqlConnection, now_ms: int) -> list[int]:
    return removal.unwanted(db, kept, now_ms)
