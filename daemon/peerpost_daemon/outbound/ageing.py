"""Give up what has waited for the relay too long: the outbox is bounded in age as well.

Age is told by the wall clock, which may jump; a restart leaves nothing else. So what looks too old is only noted, and
given up when it still looks too old after GRACE_SECONDS of a clock that does not jump. Only what is `queued` is given
up: a sealed message may be at the relay, and its sequence is taken.
"""

import asyncio
import logging
from collections.abc import Callable

from peerpost_daemon.bell import Bell
from peerpost_daemon.delivering import give_up
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import ageing
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database

LOOK_SECONDS = 60.0
GRACE_SECONDS = 3_600.0
MAX_AT_ONCE = 500
TOO_OLD = "too_old"

_log = logging.getLogger(__name__)


class Ageing:
    """Look for what is too old. `monotonic`: seconds of a clock that does not jump."""

    def __init__(
        self,
        database: Database,
        bell: Bell,
        max_seconds: float,
        *,
        now_ms: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        self._database = database
        self._bell = bell
        self._max_ms = round(max_seconds * 1000)
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._since: dict[int, float] = {}  # number of a row: when it first looked too old

    async def run(self) -> None:
        """Look from time to time until cancelled."""
        while True:
            try:
                await self.look()
            except DaemonError as error:
                _log.warning("what is too old was not given up: %s", error.kind)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Note what looks too old now; give up what has done so for GRACE_SECONDS."""
        now, now_ms = self._monotonic(), self._now_ms()
        old = await self._database.read(
            lambda db: ageing.queued_before(db, now_ms - self._max_ms, MAX_AT_ONCE)
        )
        self._since = {number: self._since.get(number, now) for number, _ in old}
        late = [row for row in old if now - self._since[row[0]] >= GRACE_SECONDS]
        if late:
            await self._database.write(lambda db: _give_up(db, late, now_ms))
            self._bell.ring()


def _give_up(db: SqlConnection, late: list[tuple[int, bytes]], now_ms: int) -> None:
    still = [row for row in late if ageing.is_queued(db, row[0])]
    give_up(db, still, TOO_OLD, now_ms)
