"""Prune the outbox: rows of finished messages go once they are old, some at a time.

A row is needed as long as its idempotency key holds and `message.status` answers for it: KEEP_SECONDS from the time it
was queued. That is told by the wall clock, which may jump; so nothing goes before it has gone evenly for GRACE_SECONDS
beside a clock that does not jump.
"""

import asyncio
import logging
from collections.abc import Callable

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import pruning
from peerpost_daemon.vault.database import Database

KEEP_SECONDS = 30 * 86_400.0
LOOK_SECONDS = 600.0
GRACE_SECONDS = 3_600.0
MAX_JUMP_SECONDS = 60.0
"""Between two looks; what is more than that is a jump."""
MAX_AT_ONCE = 500
MAX_ROUNDS = 100
"""Transactions one after the other; then others have their turn until the next look."""

_log = logging.getLogger(__name__)


class Pruning:
    """Look for what is no longer needed. `monotonic`: seconds of a clock that does not jump."""

    def __init__(
        self,
        database: Database,
        *,
        now_ms: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        self._database = database
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._offset = self._between_clocks()
        self._even_since = monotonic()

    async def run(self) -> None:
        """Look from time to time until cancelled."""
        while True:
            try:
                await self.look()
            except DaemonError as error:
                _log.warning("the outbox was not pruned: %s", error.kind)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> int:
        """Remove what is old, unless the wall clock has jumped lately; return how many rows went."""
        now, offset = self._monotonic(), self._between_clocks()
        if abs(offset - self._offset) > MAX_JUMP_SECONDS:
            self._even_since = now
        self._offset = offset
        gone = 0
        for _ in range(MAX_ROUNDS if now - self._even_since >= GRACE_SECONDS else 0):
            upto = await self._newest_old()
            if not upto:
                break
            gone += await self._prune(upto)
        return gone

    def _between_clocks(self) -> float:
        return self._now_ms() / 1000 - self._monotonic()

    async def _newest_old(self) -> int:
        before_ms = self._before_ms()
        return await self._database.read(lambda db: pruning.newest_old(db, before_ms, MAX_AT_ONCE))

    async def _prune(self, upto: int) -> int:
        before_ms = self._before_ms()
        return await self._database.write(lambda db: pruning.prune(db, upto, before_ms), later=True)

    def _before_ms(self) -> int:
        return self._now_ms() - round(KEEP_SECONDS * 1000)
