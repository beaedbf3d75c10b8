"""What the relay answers to envelopes: note it in the vault, in groups; decide what a refusal means.

    accepted                               the row is sent
    stale_roster, out_of_sequence          the chain of this channel is sealed anew from the last accepted envelope
    a refusal that passes by itself        the same bytes go again later
    any other refusal                      the message has failed; what was chained to it is sealed anew

A channel that has to be sealed anew is held until every answer for it is in: after a refused envelope the relay stores
none that is chained to it, so nothing that is sealed again can be there already.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from peerpost_daemon.asking import ask
from peerpost_daemon.bell import Bell
from peerpost_daemon.delivering import note_delivered, tell_status
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link.errors import LinkError, RefusedError
from peerpost_daemon.link.relay_link import RelayLink
from peerpost_daemon.link.session import AnswerFrame
from peerpost_daemon.records import channels, outbox
from peerpost_daemon.records.outbox import Outgoing
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card
from peerpost_protocol.chain import Link
from peerpost_protocol.frames import Accepted, ChannelState, Subscribe, Subscribed

MAX_SEAL_ATTEMPTS = 16
RETRY_SECONDS = 0.5

_ANEW = frozenset({"stale_roster", "out_of_sequence"})
_log = logging.getLogger(__name__)


class _Answer(Struct, frozen=True):
    row: Outgoing
    position: int | None
    refusal: RefusedError | None


class Answers:
    """Follow the envelopes that are on their way. `again` makes the pump look from the beginning."""

    def __init__(
        self,
        database: Database,
        link: RelayLink,
        me: Card,
        bell: Bell,
        *,
        now_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._link = link
        self._me = me
        self._bell = bell
        self._now_ms = now_ms
        self.again: Callable[[], None] = lambda: None
        self.room: Callable[[], None] = lambda: None
        self.held: set[bytes] = set()
        self.on_the_way: dict[int, bytes] = {}
        self._answered: deque[_Answer] = deque()
        self._arrived = asyncio.Event()

    def expect(self, row: Outgoing, future: asyncio.Future[AnswerFrame]) -> None:
        """Follow an envelope that has been sent."""
        assert row.channel is not None
        self.on_the_way[row.number] = row.channel
        future.add_done_callback(lambda done: self._came(row, done))

    async def run(self) -> None:
        """Note answers until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            answers = list(self._answered)
            self._answered.clear()
            try:
                await self._note(answers)
            except DaemonError as error:
                # Nothing was noted: the rows are still sealed, the same bytes go again.
                _log.warning("answers of the relay were not stored: %s", error.kind)
                await asyncio.sleep(RETRY_SECONDS)
                self.again()
            finally:
                for answer in answers:
                    self.on_the_way.pop(answer.row.number, None)
            await self._seal_anew()
            self._bell.ring()
            self.room()

    def _came(self, row: Outgoing, done: asyncio.Future[AnswerFrame]) -> None:
        error = None if done.cancelled() else done.exception()
        refusal = error if isinstance(error, RefusedError) else None
        position = None
        if error is None and not done.cancelled():
            answer = done.result()
            position = answer.position if isinstance(answer, Accepted) else None
        self._answered.append(_Answer(row, position, refusal))
        self._arrived.set()

    async def _note(self, answers: list[_Answer]) -> None:
        now_ms = self._now_ms()
        refused = [(a.row, a.refusal) for a in answers if a.refusal is not None]
        failed = [(row, error.kind) for row, error in refused if _is_final(row, error)]
        for row, error in refused:
            self._sort(row, error)

        def store(db: SqlConnection) -> None:
            reached: dict[bytes, int] = {}
            for answer in answers:
                if answer.position is not None:
                    _sent(db, answer.row, answer.position, now_ms, reached)
            for channel, sequence in reached.items():
                note_delivered(db, channel, sequence, self._me, now_ms)
            for row, reason in failed:
                outbox.fail(db, row.number, reason)
                tell_status(db, row.message, now_ms)

        await self._database.write(store)

    def _sort(self, row: Outgoing, error: RefusedError) -> None:
        if error.come_back:
            seconds = (error.retry_after_ms or 0) / 1000 or RETRY_SECONDS
            asyncio.get_running_loop().call_later(seconds, self.again)
        else:
            assert row.channel is not None
            _log.info("the relay refused an envelope: %s", error.kind)
            self.held.add(row.channel)

    async def _seal_anew(self) -> None:
        """Take the held channels of which every answer is in back to their last accepted envelope."""
        settled = self.held - set(self.on_the_way.values())
        if not settled:
            return
        try:
            answer = await ask(self._link, Subscribe(0, (), everything=False), Subscribed)
            states = {state.channel: state for state in answer.states}
            await self._database.write(lambda db: _back(db, settled, states))
        except (LinkError, DaemonError) as error:
            _log.warning("a channel waits to be sealed anew: %s", error.kind)
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self._arrived.set)
            return
        self.held -= settled
        # The roster event that made an envelope stale comes by the stream, perhaps a moment later.
        asyncio.get_running_loop().call_later(RETRY_SECONDS, self.again)


def _is_final(row: Outgoing, error: RefusedError) -> bool:
    if error.come_back:
        return False
    return error.kind not in _ANEW or row.attempts + 1 >= MAX_SEAL_ATTEMPTS


def _sent(
    db: SqlConnection, row: Outgoing, position: int, now_ms: int, reached: dict[bytes, int]
) -> None:
    link = outbox.sent(db, row.message, position, now_ms)
    if link is None or row.channel is None:
        return
    channels.set_sent(db, row.channel, link)
    tell_status(db, row.message, now_ms)
    reached[row.channel] = link.sequence


def _back(db: SqlConnection, held: set[bytes], states: dict[bytes, ChannelState]) -> None:
    for id_ in held:
        state = states.get(id_)
        if state is not None and state.own_head is not None:
            channels.set_sent(db, id_, Link(state.own_sequence, state.own_head))
        channel = channels.find(db, id_)
        outbox.unseal(db, id_)
        channels.set_own(db, id_, channel.sent if channel else None)
