"""The engine: everything that runs while the vault is open and there is an account.

    relay ── link ──┬── inbox ──── vault ──┬── bell ── whoever listens
                    ├── receipts ──────────┤
                    └── pump, answers ─────┘

It puts the parts together, tells them when the link comes and goes, and keeps them running: a part that fails for a
reason nobody thought of is logged, counted in `faults`, and begun again after a moment, with the link begun anew so
that nothing it had in its hands is lost.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from peerpost_daemon import event_data
from peerpost_daemon.backups.watch import BackupWatch
from peerpost_daemon.bell import Bell
from peerpost_daemon.devices import Devices
from peerpost_daemon.directory import Directory
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.files.engine import FileEngine
from peerpost_daemon.files.store import FileStore
from peerpost_daemon.histories import Histories
from peerpost_daemon.inbound import standing
from peerpost_daemon.inbound.arrivals import (
    Delivered,
    Joining,
    Lacking,
    News,
    Noticed,
    Receipted,
)
from peerpost_daemon.inbound.inbox import Inbox
from peerpost_daemon.inbound.logs import RosterLogs
from peerpost_daemon.inbound.opening import Recipient
from peerpost_daemon.inheritance import Inheritance
from peerpost_daemon.link import (
    Credentials,
    LinkSettings,
    LinkState,
    LinkStatus,
    RelayLink,
)
from peerpost_daemon.link.errors import LinkError
from peerpost_daemon.membership import Membership
from peerpost_daemon.outbound.ageing import Ageing
from peerpost_daemon.outbound.answers import Answers
from peerpost_daemon.outbound.beginnings import Beginnings
from peerpost_daemon.outbound.leaping import Leaping
from peerpost_daemon.outbound.mending import Mending
from peerpost_daemon.outbound.pruning import Pruning
from peerpost_daemon.outbound.pump import Pump
from peerpost_daemon.outbound.receipts import Receipts
from peerpost_daemon.outbound.sealing import Sender
from peerpost_daemon.proving import Proving
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import alarms, backup, channels, doubts, events
from peerpost_daemon.records.account import Account
from peerpost_daemon.records.history import MAX_HISTORY_BYTES
from peerpost_daemon.records.own_chain import Found
from peerpost_daemon.requests import Requests
from peerpost_daemon.survival import RESTART_SECONDS, survive
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.frames import (
    Attestation,
    BackupFetch,
    CardNotice,
    ChannelState,
    Cursor,
    Item,
)
from peerpost_protocol.signing import Signed

MAX_RESTART_SECONDS = 8.0
"""Between two sessions whose items were not stored; each such one doubles it."""
MAX_QUEUED_SECONDS = 30 * 86_400.0

_TOLD = frozenset({LinkState.ONLINE, LinkState.WAITING, LinkState.REFUSED})
_log = logging.getLogger(__name__)


class Engine:
    """Run one account on one relay. `settings.url` is where the account's relay is."""

    def __init__(
        self,
        database: Database,
        account: Account,
        token: str | None,
        settings: LinkSettings,
        bell: Bell,
        *,
        now_ms: Callable[[], int],
        random_bytes: Callable[[int], bytes],
        max_queued_seconds: float = MAX_QUEUED_SECONDS,
        max_history_bytes: int = MAX_HISTORY_BYTES,
        files: FileStore | None = None,
    ) -> None:
        self.faults = 0
        self._database = database
        self._bell = bell
        self._now_ms = now_ms
        self._me = account.card
        self._told: LinkState | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._notes: set[asyncio.Task[None]] = set()
        self._anew: asyncio.TimerHandle | None = None
        self._anew_seconds = RESTART_SECONDS
        self._link = RelayLink(
            settings,
            Credentials(account.card, account.keys, token, account.relay_key),
            self,
            now_ms=now_ms,
            monotonic=time.monotonic,
            random_bytes=random_bytes,
            jitter=random.random,
        )
        sender = Sender(account.card, account.keys, random_bytes)
        self._ageing = Ageing(
            database, bell, max_queued_seconds, now_ms=now_ms, monotonic=time.monotonic
        )
        self._pruning = Pruning(database, now_ms=now_ms, monotonic=time.monotonic)
        self._max_history_bytes = max_history_bytes
        self.files: FileEngine | None = None
        if files is not None:
            self.files = FileEngine(
                database,
                files,
                settings,
                bell,
                relay=self._link,
                now_ms=now_ms,
                random_bytes=random_bytes,
            )
        self._put_together(Recipient(account.card, account.keys, account.earlier), sender)

    def _put_together(self, me: Recipient, sender: Sender) -> None:
        database, link, bell, now_ms = self._database, self._link, self._bell, self._now_ms
        self.histories = Histories(link, database, me.card, now_ms=now_ms)
        self.directory = Directory(link, database, self.histories)
        self._backups = BackupWatch(database, link, me.card, bell, now_ms=now_ms)
        self.channels = Membership(database, self.directory, link, sender, bell, now_ms=now_ms)
        self._mending = Mending(database, link, bell, now_ms=now_ms)
        self._answers = Answers(database, link, me.card, bell, mending=self._mending, now_ms=now_ms)
        beginnings = Beginnings(database, link, self.channels, bell, now_ms=now_ms)
        self.outbound = Pump(
            database, link, beginnings, self._answers, sender, bell=bell, now_ms=now_ms
        )
        self.proving = Proving(database, link, me.card)
        self.devices = Devices(
            database,
            self.directory,
            self.histories,
            link,
            sender,
            now_ms=now_ms,
            changed=lambda: self._note(self._inbox.judge(lambda _db: None)),
        )
        self.inheritance = Inheritance(
            database,
            self.channels,
            bell,
            me.card.identity,
            now_ms=now_ms,
            random_bytes=sender.random_bytes,
            queued=self.outbound.wake,
        )
        self._answers.lacking = self._lack
        if self.files is not None:
            self.files.then(self.outbound.again)
            self.outbound.begun = self.files.wake
        self._mending.again = self.outbound.again
        self._leaping = Leaping(database, link, bell, now_ms=now_ms)
        self._leaping.again, self._leaping.held = self.outbound.again, self._mending.waiting
        self._receipts = Receipts(database, link, sender, now_ms=now_ms)
        self._inbox = Inbox(
            database,
            self.directory,
            RosterLogs(link, database),
            me,
            bell,
            relay=link,
            now_ms=now_ms,
            stored=self._stored,
            broken=self._begin_anew,
            max_history_bytes=self._max_history_bytes,
        )
        self._inbox.surpassed = self._leaping.look
        self.requests = Requests(
            database, self._inbox, self.channels, bell, me.card.identity, now_ms=now_ms
        )

    @property
    def link_status(self) -> LinkStatus:
        """Return how the link to the relay is."""
        return self._link.status

    @property
    def relay(self) -> RelayLink:
        """Return what the relay is asked by."""
        return self._link

    async def start(self) -> None:
        """Begin to run."""
        parts = (self._link, self._inbox, self._answers, self.outbound, self._receipts)
        upkeep = (self._mending, self._leaping, self._ageing, self._pruning)
        for part in (*parts, self.requests, self.inheritance, *upkeep):
            self._tasks.append(asyncio.create_task(self._keep(part.run), name=type(part).__name__))
        for moving in self.files.parts if self.files is not None else ():
            self._tasks.append(asyncio.create_task(self._keep(moving.run), name="files"))

    async def close(self) -> None:
        """Stop everything; what is not at the relay yet stays in the outbox."""
        if self._anew is not None:
            self._anew.cancel()
        await self._link.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._notes, return_exceptions=True)

    def prove_card(self, code: str | None) -> None:
        """Publish the card, which the relay does not have, with a code; without one the relay mails one."""
        self._told = None  # a second refusal is news
        self._link.prove(code)

    def retry_now(self) -> None:
        """Try to reach the relay at once."""
        self._link.retry_now()

    async def judge(self, decide: Callable[[SqlConnection], None]) -> None:
        """Store a judgement of contacts and release the messages that it lets through. Raises what `decide` does."""
        await self._inbox.judge(decide)
        self.outbound.again()

    # --- what the link says

    async def welcomed(self, relay_key: bytes, attestation: Attestation, epoch: bytes) -> None:
        """Note that the relay has let us in; begin at the first position when its store is another."""
        self.histories.relay_key = relay_key

        def store(db: SqlConnection) -> None:
            before = accounts.accepted(db, relay_key, epoch, attestation.value)
            if before is not None and before != epoch:
                channels.rewind_all(db)
                backup.forget_fetches(db)
                doubts.doubt_all(db)
                alarms.sound(db, "relay_store_changed", None, self._now_ms())

        await self._backups.hold()
        await self._database.write(store)
        self._bell.ring()

    async def cursors(self) -> tuple[Cursor, ...]:
        """Return where reading goes on."""
        return await self._database.read(channels.cursors)

    async def subscribed(self, states: tuple[ChannelState, ...]) -> None:
        """Take in where the channels stand; where our chain does not agree, nothing is sent until it does."""
        self._inbox.clear()
        now_ms = self._now_ms()

        def store(db: SqlConnection) -> Found:
            found = standing.take_in(db, states, now_ms)
            standing.take_unknown(db, states, found, now_ms)
            doubts.doubt(db, {*found.lost, *found.rosters})
            return found

        found = await self._database.write(store)
        if found.rewound:
            # What this session brings begins at the cursor it was asked with: it would pass over what is before it.
            self._inbox.await_session()
            self._begin_anew()
        self._mending.begin(found)
        self._note(self._backups.compare())
        self._lack(await self._database.read(lambda db: standing.lacking(db, states)))
        for state in await self._database.read(lambda db: standing.unknown(db, states)):
            self._inbox.put(Joining(state.channel, state.roster_position))
        self._note(self._catch_up_cards())

    async def _catch_up_cards(self) -> None:
        """Read what the histories of everybody in our channels have got since we were here last."""
        members = await self._database.read(standing.everybody)
        try:
            changed = await self.histories.refresh({self._me.identity, *members})
        except LinkError:
            return  # the next session begins again
        if changed:
            await self._inbox.judge(lambda _db: None)

    def _lack(self, rosters: Mapping[bytes, int]) -> None:
        for channel, position in rosters.items():
            self._inbox.put(Lacking(channel, position))

    def deliver(self, channel: bytes, items: tuple[Item, ...], size: int) -> None:
        """Take items of a channel."""
        self._inbox.put(Delivered(channel, items, size))

    def receipt(self, channel: bytes, revision: int, receipt: Signed, size: int) -> None:
        """Take another card's receipt."""
        self._inbox.put(Receipted(channel, revision, receipt, size))

    def backup_fetched(self, fetch: BackupFetch) -> None:
        """Tell that another card was given the backup."""
        self._note(self._fetched(fetch))

    async def _fetched(self, fetch: BackupFetch) -> None:
        await self._database.write(lambda db: self._backups.tell(db, fetch))
        self._bell.ring()

    def joined(self, state: ChannelState) -> None:
        """Begin a channel that our card descends into; else the stream brings the event that adds us."""
        self._mending.joined(state.channel)
        self._inbox.put(Joining(state.channel, state.roster_position))

    def cards(self, news: CardNotice, size: int) -> None:
        """Take news of an identity's cards."""
        self._inbox.put(Noticed(news, size))

    def changed(self, status: LinkStatus) -> None:
        """Start and stop what needs the link; tell whoever listens."""
        online = status.state is LinkState.ONLINE
        self._mending.go(online=online)
        self._leaping.go(online=online)
        self.outbound.go(online=online)
        self._receipts.go(online=online)
        self.requests.go(online=online)
        if self.files is not None:
            self.files.go(online=online)
        if status.state in _TOLD and status.state is not self._told:
            self._told = status.state
            self._note(self._tell(status))

    async def _tell(self, status: LinkStatus) -> None:
        fault = status.last_error

        def store(db: SqlConnection) -> None:
            if status.state is LinkState.REFUSED and fault is not None:
                accounts.refused(db, fault.kind, fault.subject)
            detail = fault.kind if fault and status.state is not LinkState.ONLINE else None
            data = event_data.LinkData(status.state.value, detail)
            events.add(db, event_data.LINK, self._now_ms(), data)

        await self._database.write(store)
        self._bell.ring()

    # --- keeping it running

    def _note(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guarded(job))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _guarded(self, job: Awaitable[None]) -> None:
        try:
            await job
        except (DaemonError, LinkError) as error:
            _log.warning("an event was not stored: %s", error.kind)

    def _stored(self, news: News) -> None:
        self._anew_seconds = RESTART_SECONDS
        if news.others or news.may_go:
            self._receipts.wake()
        if self.files is not None and (news.files or news.may_go):
            self.files.wake()
        self._mending.look()
        if news.may_go:
            self._answers.rosters_changed()
            self.requests.wake()
            self.outbound.again()

    def _begin_anew(self) -> None:
        """End the session in a moment: the next one brings again what was not stored."""
        if self._anew is None:
            loop = asyncio.get_running_loop()
            self._anew = loop.call_later(self._anew_seconds, self._reconnect)
            self._anew_seconds = min(2 * self._anew_seconds, MAX_RESTART_SECONDS)

    def _reconnect(self) -> None:
        self._anew = None
        self._link.reconnect()

    async def _keep(self, run: Callable[[], Awaitable[None]]) -> None:
        await survive(run, self._failed)

    def _failed(self) -> None:
        self.faults += 1
        self._begin_anew()
