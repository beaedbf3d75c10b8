"""The pump: hand what waits in the outbox to the relay, in order, many at a time.

Record, then send: sequence and bytes are durable before anything leaves. A row leaves the outbox only when the relay
has answered that it is durable there; a broken link leaves it as it is, and the same bytes go again (the relay knows
the message id). Only a refusal may take a row back to `queued`, to be sealed anew under the roster of today.
"""

import asyncio
import logging
from collections.abc import Callable

from peerpost_daemon.bell import Bell
from peerpost_daemon.delivering import tell_status
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link.errors import LinkBusyError, LinkError
from peerpost_daemon.link.relay_link import RelayLink
from peerpost_daemon.outbound.answers import Answers
from peerpost_daemon.outbound.beginnings import Beginnings
from peerpost_daemon.outbound.ready import Ready, choose
from peerpost_daemon.outbound.sealing import Batch, Sender, seal_rows, with_bytes
from peerpost_daemon.records import channels, outbox
from peerpost_daemon.records.outbox import OutboxState, Waiting
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.frames import Publish

WINDOW = 256
"""Envelopes on their way to the relay at once."""
BATCH = 64
"""Rows sealed and stored together."""
RETRY_SECONDS = 1.0
"""After trouble that passes by itself, while the link stays up."""

_log = logging.getLogger(__name__)


class Pump:
    """Empty the outbox while the link is up."""

    def __init__(
        self,
        database: Database,
        link: RelayLink,
        beginnings: Beginnings,
        answers: Answers,
        sender: Sender,
        *,
        bell: Bell,
        now_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._link = link
        self._beginnings = beginnings
        self._answers = answers
        self._sender = sender
        self._bell = bell
        self._now_ms = now_ms
        self._woken = asyncio.Event()
        self._online = False
        self._after = 0
        answers.room = self.wake
        answers.again = self.again

    def wake(self) -> None:
        """Look into the outbox again."""
        self._woken.set()

    def again(self) -> None:
        """Look into the outbox from its beginning: what could not go may go now."""
        self._after = 0
        self._beginnings.reconsider()
        self._woken.set()

    def go(self, *, online: bool) -> None:
        """Begin with the link, or stop with it."""
        self._online = online
        self.again()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._online:
                try:
                    if not await self._round():
                        break
                except (LinkError, DaemonError) as error:
                    _log.warning("the outbox has to wait: %s", error.kind)
                    self._again_later()
                    break

    async def _round(self) -> bool:
        """Do one batch; return whether there may be more to do now."""
        await self._beginnings.settle()
        room = min(BATCH, WINDOW - len(self._answers.on_the_way))
        if room <= 0:
            return False  # an answer wakes us
        skip, held = frozenset(self._answers.on_the_way), frozenset(self._answers.held)
        after, me = self._after, self._sender.card
        ready = await self._database.read(
            lambda db: choose(db, after, room, skip=skip, held=held, me=me)
        )
        more = ready.looked_up_to > after
        self._after = max(self._after, ready.looked_up_to) if self._after == after else self._after
        rows = await self._sealed(ready)
        return self._send(rows) and more

    async def _sealed(self, ready: Ready) -> list[Waiting]:
        """Seal what is queued and store it; return the rows that have their bytes, in order."""
        queued = [row for row in ready.rows if row.outgoing.state is OutboxState.QUEUED]
        if not queued:
            return list(ready.rows)
        now_ms = self._now_ms()
        batch = await asyncio.to_thread(seal_rows, queued, ready.destinations, self._sender, now_ms)
        await self._database.write(lambda db: _store(db, batch, now_ms))
        if batch.failed:
            self._bell.ring()
        fresh = {row.outgoing.number: with_bytes(row, sealed) for row, sealed in batch.sealed}
        rows = [fresh.get(row.outgoing.number, row) for row in ready.rows]
        return [row for row in rows if row.envelope is not None]

    def _send(self, rows: list[Waiting]) -> bool:
        for row in rows:
            assert row.envelope is not None
            try:
                future = self._link.request_nowait(Publish(0, row.envelope))
            except LinkBusyError:
                self._after = 0  # an answer wakes us
                return False
            self._answers.expect(row.outgoing, future)
        return True

    def _again_later(self) -> None:
        asyncio.get_running_loop().call_later(RETRY_SECONDS, self.again)


def _store(db: SqlConnection, batch: Batch, now_ms: int) -> None:
    outbox.seal(db, [sealed for _, sealed in batch.sealed])
    for channel, link in batch.links.items():
        channels.set_own(db, channel, link)
    for failed in batch.failed:
        outbox.fail(db, failed.number, failed.reason)
        tell_status(db, failed.message, now_ms)
