"""The pump: hand what waits in the outbox to the relay, in order, many at a time.

Record, then send: sequence and bytes are durable before anything leaves. A row leaves the outbox only when the relay
has answered that it is durable there; a broken link leaves it as it is, and the same bytes go again (the relay knows
the message id). Only a refusal may take a row back to `queued`, to be sealed anew under the roster of today.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from peerpost_daemon.bell import Bell
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link.errors import LinkBusyError, LinkError
from peerpost_daemon.link.relay_link import RelayLink
from peerpost_daemon.outbound.answers import Answers
from peerpost_daemon.outbound.beginnings import Beginnings
from peerpost_daemon.outbound.ready import choose
from peerpost_daemon.outbound.round import Round, do_round
from peerpost_daemon.outbound.sealing import Sender
from peerpost_daemon.records.outbox import Waiting
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.frames import Publish

WINDOW = 256
"""Envelopes on their way to the relay at once."""
BATCH = 64
"""Rows sealed and stored together."""
LOOK_AGAIN_SECONDS = 15.0
"""A look into the outbox that nobody asked for: should a wake-up ever be missed, nothing stalls for longer."""
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
        self._turn = 0  # counts the beginnings: while a round is under way, `_after` may be 0 before and after one
        self._short_of_room = False
        self._timer: asyncio.TimerHandle | None = None
        self._due: asyncio.TimerHandle | None = None
        self.begun: Callable[[], None] = lambda: None  # a channel was
        answers.room = self._room
        answers.again = beginnings.later = self.again

    def wake(self) -> None:
        """Look into the outbox again."""
        self._woken.set()

    def _room(self) -> None:
        if self._short_of_room:
            self._woken.set()

    def again(self) -> None:
        """Look into the outbox from its beginning: what could not go may go now."""
        self._from_the_beginning()
        self._beginnings.reconsider()
        self._woken.set()

    def _from_the_beginning(self) -> None:
        self._after = 0
        self._turn += 1

    def go(self, *, online: bool) -> None:
        """Begin with the link, or stop with it."""
        self._online = online
        if not online:
            self._answers.forget_relay()
        self.again()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._wait()
            while self._online:
                try:
                    if not await self._round():
                        break
                except (LinkError, DaemonError) as error:
                    _log.warning("the outbox has to wait: %s", error.kind)
                    self._again_later()
                    break

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            self._after = 0
        self._woken.clear()

    async def _round(self) -> bool:
        """Do one batch; return whether there may be more to do now."""
        room = min(BATCH, WINDOW - len(self._answers.on_the_way))
        self._short_of_room = room <= 0
        if self._short_of_room:
            return False  # an answer wakes us
        async with self._answers.sealing:
            done, all_sent = await self._fill(room)
        begun = await self._beginnings.settle() if done.unsettled else False
        if begun:
            self.begun()
            self._from_the_beginning()  # what waited for it stands before what was looked at
        return all_sent and (begun or not done.exhausted)

    async def _fill(self, room: int) -> tuple[Round, bool]:
        """Choose, seal, store and send at most `room` rows; return whether all of them were sent."""
        skip, held = frozenset(self._answers.on_the_way), self._answers.waiting()
        after, turn = self._after, self._turn

        def work(db: SqlConnection) -> Round:
            now_ms = self._now_ms()
            ready = choose(
                db, after, room, skip=skip, held=held, me=self._sender.card, now_ms=now_ms
            )
            return do_round(db, ready, self._sender, now_ms)

        done = await self._database.write(work)
        if self._turn == turn:  # else somebody asked to begin again meanwhile
            self._after = done.looked_up_to
        if done.failed:
            self._bell.ring()
        self._look_when_due(done.due_ms)
        return done, self._send(done.rows)

    def _send(self, rows: Sequence[Waiting]) -> bool:
        for row in rows:
            assert row.envelope is not None
            try:
                future = self._link.request_nowait(Publish(0, row.envelope))
            except LinkBusyError:
                self._from_the_beginning()
                self._short_of_room = True  # an answer wakes us
                if not self._answers.on_the_way:
                    self._again_later()  # what fills the link is not ours: no answer will
                return False
            self._answers.expect(row.outgoing, future)
        return True

    def _look_when_due(self, due_ms: int | None) -> None:
        """Look again when a message is due. A clock that jumps is noticed by the looks nobody asked for."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if due_ms is not None:
            seconds = max(0.0, (due_ms - self._now_ms()) / 1000)
            if seconds < LOOK_AGAIN_SECONDS:
                self._due = asyncio.get_running_loop().call_later(seconds, self.again)

    def _again_later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(RETRY_SECONDS, self._timed)

    def _timed(self) -> None:
        self._timer = None
        self.again()
