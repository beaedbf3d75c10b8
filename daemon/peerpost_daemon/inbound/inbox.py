"""The inbox: take what the link brings off its hands, open it in a thread, store it in one transaction.

Attacker: the relay, and every member through it. Nothing that arrives can stop the loop: opening turns bad items into
faults, and what cannot be stored now (the vault is full, the link broke while a card was fetched) is not stored at all,
and comes again from the durable cursor. Until it does, nothing else is taken: what follows would move the cursor past
what was not stored.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from peerpost_daemon.asking import Relay
from peerpost_daemon.bell import Bell
from peerpost_daemon.directory import Directory
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.inbound import admitting, opening, receipts, releasing, taking
from peerpost_daemon.inbound.arrivals import (
    ANYTHING,
    Arrived,
    Delivered,
    Joining,
    Lacking,
    News,
    Noticed,
    Receipted,
    Stored,
)
from peerpost_daemon.inbound.checkpoints import Checkpoints
from peerpost_daemon.inbound.logs import (
    HolesError,
    LogsTooLongError,
    RosterLog,
    RosterLogs,
    refuse_holes,
)
from peerpost_daemon.inbound.opening import Opened, OpenedEnvelope, Parsed, Taking
from peerpost_daemon.inbound.spoiled import SpoiledError, mended, read_again, refuse_spoiled
from peerpost_daemon.link.errors import InboundFullError, LinkError
from peerpost_daemon.records import channels, history, requests
from peerpost_daemon.records.history import MAX_HISTORY_BYTES
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card
from peerpost_protocol.content import Files
from peerpost_protocol.envelope import Envelope, EnvelopeClaim
from peerpost_protocol.frames import Item

MAX_WAITING_BYTES = 32 * 1024 * 1024
MAX_BATCH_BYTES = 2 * 1024 * 1024
MAX_BATCH_FRAMES = 256
MAX_OPENED_WHILE_STORING = 8
"""Items opened in the vault's own thread; more of them get a thread first, so that other writes do not wait."""

MAX_ADMITTED = 64
"""Items of a request that are taken together."""

ParsedItems = list[tuple[bytes, list[Parsed]]]
OpenedItems = list[tuple[bytes, list[tuple[Item, Opened]]]]
"""Channels, each with its items in their order."""
Judge = Callable[[OpenedItems], None]

_log = logging.getLogger(__name__)


class Inbox:
    """Process what arrives, in its order. `stored` is called after each commit, `broken` on trouble."""

    def __init__(
        self,
        database: Database,
        directory: Directory,
        logs: RosterLogs,
        me: opening.Recipient,
        bell: Bell,
        *,
        relay: Relay,
        now_ms: Callable[[], int],
        stored: Stored,
        broken: Callable[[], None],
        max_history_bytes: int = MAX_HISTORY_BYTES,
    ) -> None:
        self._database = database
        self._directory = directory
        self._logs = logs
        self._relay = relay
        self._me = me
        self._bell = bell
        self._now_ms = now_ms
        self._stored = stored
        self._broken = broken
        self._max_history_bytes = max_history_bytes
        self.surpassed: Callable[[], None] = lambda: None  # receivers are ahead of us
        self.accepted_elsewhere: Callable[[bytes], Awaitable[None]] = self.admit
        self._checkpoints = (
            Checkpoints(database, directory.histories, now_ms=now_ms)
            if directory.histories is not None
            else None
        )
        self._waiting: deque[Arrived] = deque()
        self._bytes = 0
        self._deaf = False
        self._arrived = asyncio.Event()
        self._storing = asyncio.Lock()

    def put(self, arrived: Arrived) -> None:
        """Take something off the link's hands; raise InboundFullError over the bound.

        What comes between a failure and the next session is dropped: that session brings it again.
        """
        if self._deaf:
            return
        if self._bytes + arrived.size > MAX_WAITING_BYTES:
            raise InboundFullError
        self._waiting.append(arrived)
        self._bytes += arrived.size
        self._arrived.set()

    def clear(self) -> None:
        """Drop what waits and listen: a new session brings it again from the durable cursors."""
        self._waiting.clear()
        self._bytes = 0
        self._deaf = False

    def await_session(self) -> None:
        """Drop what waits and whatever still comes in this session."""
        self.clear()
        self._deaf = True

    async def run(self) -> None:
        """Process until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while batch := self._batch():
                try:
                    await self._process(batch)
                except (LinkError, DaemonError) as error:
                    _log.warning("what arrived was not stored and will come again: %s", error.kind)
                    self.await_session()
                    self._broken()
                except Exception:
                    self.await_session()
                    raise

    def _batch(self) -> list[Arrived]:
        batch: list[Arrived] = []
        size = 0
        while self._waiting and size < MAX_BATCH_BYTES and len(batch) < MAX_BATCH_FRAMES:
            batch.append(self._waiting.popleft())
            size += batch[-1].size
        self._bytes -= size
        return batch

    async def _process(self, batch: list[Arrived]) -> None:
        async with self._storing:
            news = News(await self._hear_of_cards(batch))
            delivered = [one for one in batch if isinstance(one, Delivered)]
            if delivered:
                news |= await self._take(delivered)
            lacking = {
                one.channel: one.roster_position for one in batch if isinstance(one, Lacking)
            }
            for channel, end in lacking.items():
                news |= News(await self._learn(channel, end))
            notices = [one for one in batch if isinstance(one, Receipted)]
            accepted = await self._note(notices) if notices else set[bytes]()
        self._bell.ring()
        self._stored(news)
        for channel in accepted:
            await self.accepted_elsewhere(channel)

    async def _hear_of_cards(self, batch: list[Arrived]) -> bool:
        """Take news of cards, and the channels that they bring; return whether cards or rosters changed."""
        changed = False
        for one in batch:
            match one:
                case Noticed(news) if self._directory.histories is not None:
                    changed |= await self._directory.histories.notice(news)
                case Joining(channel, end):
                    await self._directory.learn([self._me.card.identity])
                    changed |= await self._join(channel, end)
        if changed:
            await self._release()
        return changed

    async def _take(self, delivered: list[Delivered]) -> News:
        """Store items; return what they brought. What does not verify is read again, once."""
        try:
            return await self._store(delivered, refuse_spoiled)
        except LogsTooLongError:
            news = News()
            for one in dict.fromkeys(d.channel for d in delivered):
                news |= await self._take([d for d in delivered if d.channel == one])
            return news
        except SpoiledError as error:
            found = await read_again(self._relay, error.places)
            again = [
                Delivered(one.channel, mended(one.channel, one.items, found), one.size)
                for one in delivered
            ]
            return await self._store(again, _pass_everything)

    async def _store(self, delivered: list[Delivered], judge: Judge) -> News:
        parsed = [(one.channel, opening.parse(one.items)) for one in delivered]
        cards, learned = await self._cards(opening.cards_named(p for _, ps in parsed for p in ps))
        few = sum(len(items) for _, items in parsed) <= MAX_OPENED_WHILE_STORING
        opened = None if few else await asyncio.to_thread(self._open, parsed, cards)
        logs = None
        try:
            news = await self._store_opened(parsed, opened, cards, logs, judge)
        except HolesError:
            logs = await self._logs.missing(parsed)
            authors, newer = await self._cards({id_ for log in logs.values() for id_ in log.cards})
            news = await self._store_opened(parsed, opened, cards | authors, logs, judge)
            learned |= newer
        return news | News(may_go=learned)

    async def _store_opened(
        self,
        parsed: ParsedItems,
        opened: OpenedItems | None,
        cards: dict[bytes, Card],
        logs: dict[bytes, RosterLog] | None,
        judge: Judge,
    ) -> News:
        """Store items, opening them first if that was not done. Raises HolesError unless logs were read for them."""
        verified = {channel: log.verified(cards) for channel, log in (logs or {}).items()}
        known = Taking(self._me, self._now_ms(), cards, verified)
        doubted: list[Envelope] = []

        def store(db: SqlConnection) -> tuple[taking.Taken, bool]:
            if logs is None:
                refuse_holes(db, parsed)
            history.make_room(db, self._max_history_bytes, known.now_ms)
            things = opened or self._open(parsed, cards)
            judge(things)
            taken = _taken(db, things, known)
            if self._checkpoints is not None:
                doubted[:] = self._checkpoints.doubted(db, things)
            return taken, _have_files(things)

        echo = all(_is_echo(one, self._me.card.id) for _, items in parsed for one in items)
        done, files = await self._database.write(store, later=echo and not self._bell.hurried)
        await self._directory.note_attestations()
        if done.rewound:
            self.await_session()  # the next session reads from where the cursor is now
            self._broken()
        if doubted and self._checkpoints is not None and await self._checkpoints.look(doubted):
            await self._release()
            return ANYTHING
        return News(done.rosters_changed, others=not echo, files=files)

    async def _cards(self, named: set[bytes]) -> tuple[dict[bytes, Card], bool]:
        """Return the cards with these ids, and whether the standing of any changed by it."""
        cards = await self._directory.known_or_fetched(named, self._me.card)
        return cards, await self._directory.learn_of_strangers(cards, self._me.card)

    async def _join(self, channel: bytes, end: int) -> bool:
        """Read the roster of a channel that came by descent; the stream of one that is known brings its own."""
        known = await self._database.read(lambda db: channels.find(db, channel) is not None)
        return False if known else await self._learn(channel, end)

    async def _learn(self, channel: bytes, end: int) -> bool:
        """Read a roster from its log; return whether it changed."""
        log = await self._logs.upto(channel, end)
        cards, _ = await self._cards(set(log.cards))
        known = Taking(self._me, self._now_ms(), cards, {channel: log.verified(cards)})
        return await self._database.write(lambda db: taking.learn(db, channel, end, known))

    def _open(self, parsed: ParsedItems, cards: dict[bytes, Card]) -> OpenedItems:
        return [(ch, opening.open_items(items, cards, self._me)) for ch, items in parsed]

    async def _note(self, notices: list[Receipted]) -> set[bytes]:
        """Take receipts; return the requests that another device of ours has accepted."""
        claims, malformed = receipts.parse((n.channel, n.receipt) for n in notices)
        cards, _ = await self._cards({claim.body.card for claim in claims})
        few = len(claims) <= MAX_OPENED_WHILE_STORING
        checked = None if few else await asyncio.to_thread(receipts.verify, claims, cards)
        now_ms = self._now_ms()

        def store(db: SqlConnection) -> tuple[bool, set[bytes]]:
            verified, forged = checked or receipts.verify(claims, cards)
            for bad in (*malformed, *forged):
                receipts.warn(db, bad, now_ms)
            surpassed = [receipts.take(db, receipt, self._me, now_ms) for receipt in verified]
            for notice in notices:
                channels.advance_receipts(db, notice.channel, notice.revision)
            own = [r for r in verified if admitting.accepted_elsewhere(db, r, self._me.card)]
            return any(surpassed), {receipt.body.channel for receipt in own}

        surpassed, accepted = await self._database.write(store, later=not self._bell.hurried)
        if surpassed:
            self.surpassed()
        return accepted

    async def admit(self, channel: bytes) -> None:
        """Take a channel that was a request, and what waited in it, in its order.

        Raises LinkError when the cards cannot be had: nothing has changed then, or the next session brings the rest.
        """
        async with self._storing:
            changes = await self._database.read(lambda db: admitting.listed(db, channel))
            wanted = admitting.cards_of(changes)
            cards = await self._directory.known_or_fetched(wanted, self._me.card)
            await self._database.write(
                lambda db: admitting.admit(db, channel, cards, self._me, self._now_ms())
            )
            try:
                await self._take_kept(channel)
            except (LinkError, DaemonError):
                self.await_session()  # what comes now stands after what was not taken
                self._broken()
                raise
        self._bell.ring()
        self._stored(ANYTHING)

    async def _take_kept(self, channel: bytes) -> None:
        after = 0
        while items := await self._database.read(
            lambda db, after=after: requests.items(db, channel, after, MAX_ADMITTED)  # type: ignore[misc]
        ):
            await self._take([Delivered(channel, items, sum(len(i.body) for i in items))])
            after = items[-1].position
        waiting = await self._database.read(lambda db: requests.find(db, channel))
        await self._database.write(lambda db: requests.forget(db, channel))
        if waiting is not None and waiting.full:
            self.await_session()  # the next session brings what found no room
            self._broken()

    async def judge(self, decide: Callable[[SqlConnection], None]) -> None:
        """Store a judgement of contacts, then release what was held back of those that are believed now.

        Raises DaemonError of `decide` and of the vault; what was not released by then is at the next judgement.
        """
        async with self._storing:
            await self._database.write(decide)
            await self._release()
        self._bell.ring()
        self._stored(ANYTHING)

    async def _release(self) -> None:
        """Take what was held back of senders that are believed by now."""
        while (these := await self._database.read(releasing.releasable)).envelopes:
            reopened = await asyncio.to_thread(releasing.reopen, these, self._me)
            known = Taking(self._me, self._now_ms())
            await self._database.write(
                lambda db, ready=reopened, known=known: releasing.release(db, ready, known)  # type: ignore[misc]
            )


def _taken(db: SqlConnection, things: OpenedItems, known: Taking) -> taking.Taken:
    """Take the items of each channel, of one that has to be read again no more."""
    changed, rewound = False, set[bytes]()
    for channel, items in things:
        if channel not in rewound:
            taken = taking.take(db, channel, items, known)
            changed |= taken.rosters_changed
            rewound |= {channel} if taken.rewound else set()
    return taking.Taken(changed, rewound=bool(rewound))


def _have_files(things: OpenedItems) -> bool:
    return any(
        isinstance(thing, OpenedEnvelope)
        and thing.content is not None
        and isinstance(thing.content.body, Files)
        for _, items in things
        for _, thing in items
    )


def _pass_everything(_things: OpenedItems) -> None:
    """Take items as they are: bad ones are quarantined."""


def _is_echo(one: Parsed, me: bytes) -> bool:
    """Say whether an item claims to be an envelope of our own: nobody waits for it."""
    return isinstance(one.claim, EnvelopeClaim) and one.claim.header.sender == me
