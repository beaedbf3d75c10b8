"""What the relay answers to envelopes: note it in the vault, in groups; decide what a refusal means.

    accepted                               the row is sent
    stale_roster, out_of_sequence          the chain of this channel is sealed anew from this envelope on
    a refusal that passes by itself        the same bytes go again later, and what is chained to them
    malformed, bad_signature               the same, a few times: a path spoiled what we had signed
    any other refusal                      the message has failed; what was chained to it is sealed anew

A channel that has to be sealed anew waits until every answer for it is in: after a refused envelope the relay stores
none that is chained to it, so nothing that is sealed again can be there already. What stands before it in the chain
keeps its bytes: the relay may have them, and its answer was lost. When the relay's roster is newer than ours, the
channel waits until the stream has brought it: however long catching up takes, no try is spent meanwhile.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from peerpost_daemon.asking import ask
from peerpost_daemon.bell import Bell
from peerpost_daemon.delivering import give_up, note_delivered_rows, tell_status_of
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.inbound.standing import lacking
from peerpost_daemon.link.errors import LinkError, RefusedError
from peerpost_daemon.link.relay_link import RelayLink
from peerpost_daemon.link.requests import AnswerFrame
from peerpost_daemon.outbound.chain_back import Refused, caught_up, chain_back
from peerpost_daemon.outbound.mending import Mending
from peerpost_daemon.records import channels, kept, outbox_progress
from peerpost_daemon.records.outgoing import OutboxState, Outgoing
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card
from peerpost_protocol.frames import Accepted, Cursor, Subscribe, Subscribed

MAX_SEAL_ATTEMPTS = 16
RETRY_SECONDS = 0.5

_SPOILED = frozenset({"malformed", "bad_signature"})
"""What we signed is neither: it was spoiled on its way, and may come through the next time."""
MAX_SPOILED = 3
"""Times that an envelope's bytes go again because they came spoiled."""
_ANEW = frozenset({"stale_roster", "out_of_sequence"})
_log = logging.getLogger(__name__)


class _Answer(Struct, frozen=True):
    row: Outgoing
    position: int | None
    refusal: RefusedError | None


class Answers:
    """Follow the envelopes that are on their way. `again` makes the pump look from the beginning.

    `sealing` is held by whoever changes chains: no envelope is sealed while its chain is taken back.
    """

    def __init__(
        self,
        database: Database,
        link: RelayLink,
        me: Card,
        bell: Bell,
        *,
        mending: Mending,
        now_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._link = link
        self._me = me
        self._bell = bell
        self._mending = mending
        self._now_ms = now_ms
        self.again: Callable[[], None] = lambda: None
        self.lacking: Callable[[Mapping[bytes, int]], None] = lambda _: None
        self.room: Callable[[], None] = lambda: None
        self.sealing = asyncio.Lock()
        self.on_the_way: dict[int, bytes] = {}
        self._refused: dict[bytes, int] = {}  # channel: the first sequence that was refused
        self._paused: set[bytes] = set()
        self._spoiled: dict[int, int] = {}  # of those on their way: how often they came spoiled
        self._behind: dict[bytes, int] = {}  # channel: the roster position to wait for
        self._answered: deque[_Answer] = deque()
        self._arrived = asyncio.Event()

    def waiting(self) -> frozenset[bytes]:
        """Return the channels in which nothing is sealed or sent now."""
        held = frozenset(self._refused) | self._paused | frozenset(self._behind)
        return held | self._mending.waiting()

    def expect(self, row: Outgoing, future: asyncio.Future[AnswerFrame]) -> None:
        """Follow an envelope that has been sent."""
        assert row.channel is not None
        self.on_the_way[row.number] = row.channel
        future.add_done_callback(lambda done: self._came(row, done))

    def rosters_changed(self) -> None:
        """Look whether a roster that is waited for is here."""
        if self._behind:
            self._arrived.set()

    def forget_relay(self) -> None:
        """Wait no longer for what the relay said of its rosters: the next session says it anew."""
        self._behind.clear()

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
            if any(answer.position is None for answer in answers):
                self.again()  # the pump may have passed over them as on their way
            try:
                await self._seal_anew()
                await self._catch_up()
            except (LinkError, DaemonError) as error:
                _log.warning("a channel waits to be sealed anew: %s", error.kind)
                asyncio.get_running_loop().call_later(RETRY_SECONDS, self._arrived.set)
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
        failed: dict[str, list[tuple[int, bytes]]] = {}
        for answer in answers:
            if answer.position is not None:
                self._spoiled.pop(answer.row.number, None)
            if answer.refusal is not None and self._sort(answer.row, answer.refusal):
                row = answer.row
                failed.setdefault(answer.refusal.kind, []).append((row.number, row.message))

        def store(db: SqlConnection) -> None:
            _note_sent(db, answers, self._me, now_ms)
            for reason, rows in failed.items():
                give_up(db, rows, reason, now_ms)

        await self._database.write(store, later=not (failed or self._bell.hurried))

    def _sort(self, row: Outgoing, error: RefusedError) -> bool:
        """Decide what waits because of a refusal; return whether the message has failed."""
        channel, sequence = row.channel, row.sequence
        assert channel is not None
        assert sequence is not None
        if error.come_back:
            self._pause(channel, (error.retry_after_ms or 0) / 1000 or RETRY_SECONDS)
            return False
        if error.kind in _SPOILED and self._spoiled.get(row.number, 0) < MAX_SPOILED:
            self._spoiled[row.number] = self._spoiled.get(row.number, 0) + 1
            self._pause(channel, RETRY_SECONDS)
            return False
        self._spoiled.pop(row.number, None)
        if error.kind == "out_of_sequence" and channel in self._paused:
            return False  # it follows from the one that waits: both go again as they are
        _log.info("the relay refused an envelope: %s", error.kind)
        self._refused[channel] = min(sequence, self._refused.get(channel, sequence))
        return error.kind not in _ANEW or row.attempts >= MAX_SEAL_ATTEMPTS

    def _pause(self, channel: bytes, seconds: float) -> None:
        if channel not in self._paused:
            self._paused.add(channel)
            asyncio.get_running_loop().call_later(seconds, self._resume, channel)

    def _resume(self, channel: bytes) -> None:
        self._paused.discard(channel)
        self.again()

    def _settled(self) -> dict[bytes, int]:
        """Return the refused channels of which every answer is in."""
        going = set(self.on_the_way.values())
        return {id_: first for id_, first in self._refused.items() if id_ not in going}

    async def _seal_anew(self) -> None:
        """Take the settled channels back to where the relay stands. Raises LinkError, DaemonError."""
        asked = self._settled()
        if not asked:
            return
        cursors = await self._database.read(lambda db: _cursors(db, asked))
        answer = await ask(self._link, Subscribe(0, cursors, everything=False), Subscribed)
        states = {state.channel: state for state in answer.states}
        async with self.sealing:
            settled = [
                Refused(id_, first, states.get(id_))
                for id_, first in self._settled().items()
                if id_ in asked
            ]
            behind, found = await self._database.write(lambda db: chain_back(db, settled))
            self._mending.add(found)
            for one in settled:
                self._refused.pop(one.channel, None)
            self._behind |= behind
            self.lacking(await self._database.read(lambda db: lacking(db, states.values())))
        self.again()

    async def _catch_up(self) -> None:
        if not self._behind:
            return
        behind = dict(self._behind)
        here = await self._database.read(lambda db: caught_up(db, behind))
        for channel in here:
            self._behind.pop(channel, None)
        if here:
            self.again()


def _cursors(db: SqlConnection, asked: Mapping[bytes, int]) -> tuple[Cursor, ...]:
    return tuple(cursor for cursor in channels.cursors(db) if cursor.channel in asked)


def _note_sent(db: SqlConnection, answers: Iterable[_Answer], me: Card, now_ms: int) -> None:
    reached: dict[bytes, list[Outgoing]] = {}
    for answer in answers:
        if answer.position is None:
            continue
        there = outbox_progress.sent(db, answer.row.message, answer.position, now_ms)
        if there is not None and there.channel is not None:
            tell_status_of(db, there, now_ms)
            reached.setdefault(there.channel, []).append(there)
    for channel, rows in reached.items():
        last = max(rows, key=lambda row: row.link.sequence)
        channels.set_sent(db, channel, last.link)
        # A receipt may have come before the answer.
        open_ = [row for row in rows if row.state is OutboxState.SENT and not row.own]
        note_delivered_rows(db, channel, open_, me, now_ms)
    if reached:
        kept.bound(db)
