"""Upkeep: what the vault needs as long as it is open, with and without an account, a relay or a link.

What has expired, what is not kept and copies of files that nobody needs go here, so they go offline as well.
"""

import asyncio
from collections.abc import Callable

from peerpost_daemon.bell import Bell
from peerpost_daemon.files.folder import FileFolder
from peerpost_daemon.files.keeping import Keeping
from peerpost_daemon.survival import survive
from peerpost_daemon.tidying import Tidying
from peerpost_daemon.vault.database import Database


class Upkeep:
    """Tidy an open vault, and the store of files beside it; `close` must be awaited before the vault is closed."""

    def __init__(
        self,
        database: Database,
        bell: Bell,
        folder: FileFolder | None,
        *,
        now_ms: Callable[[], int],
    ) -> None:
        self.faults = 0
        self._tidying = Tidying(database, bell, now_ms=now_ms)
        self._keeping = Keeping(database, folder, now_ms=now_ms) if folder is not None else None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to run."""
        parts = (self._tidying, self._keeping) if self._keeping is not None else (self._tidying,)
        for part in parts:
            task = asyncio.create_task(survive(part.run, self._count), name=type(part).__name__)
            self._tasks.append(task)

    async def close(self) -> None:
        """Stop; what is left to do is done when the vault is open again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _count(self) -> None:
        self.faults += 1
