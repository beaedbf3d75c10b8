"""The inbox: take what the link brings off its hands, open it in a thread, store it in one transaction.

Attacker: the relay, and every member through it. Nothing that arrives can stop the loop: opening turns bad items into
faults, and what cannot be stored now (the vault is full, the link broke while a card was fetched) is not stored at all,
and comes again from the durable cursor.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from peerpost_daemon.bell import Bell
from peerpost_daemon.directory import Directory
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.inbound import opening, receipts, rosters, taking
from peerpost_daemon.inbound.logs import RosterLogs
from peerpost_daemon.inbound.opening import Opened, Parsed, Taking
from peerpost_daemon.link.errors import InboundFullError, LinkError
from peerpost_daemon.records import channels, contacts, quarantine
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card
from peerpost_protocol.frames import Item, ItemKind
from peerpost_protocol.signing import Signed

MAX_WAITING_BYTES = 32 * 1024 * 1024
MAX_BATCH_BYTES = 2 * 1024 * 1024
MAX_BATCH_FRAMES = 256
MAX_OPENED_WHILE_STORING = 8
"""Items opened in the vault's own thread; more of them get a thread first, so that other writes do not wait."""
MAX_RELEASED = 1000
"""Quarantined messages that one acceptance releases; the rest are released by the next."""

_log = logging.getLogger(__name__)


class Delivered(Struct, frozen=True):
    """Be items of a channel that wait to be processed."""

    channel: bytes
    items: tuple[Item, ...]
    size: int


class Receipted(Struct, frozen=True):
    """Be a receipt that waits to be processed."""

    channel: bytes
    revision: int
    receipt: Signed
    size: int


class Stored(Protocol):
    """Be told after each commit."""

    def __call__(self, *, more_may_go: bool) -> None:
        """Say whether more of the outbox may be ready to go: a roster or the trust in a contact changed."""


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
        now_ms: Callable[[], int],
        stored: Stored,
        broken: Callable[[], None],
    ) -> None:
        self._database = database
        self._directory = directory
        self._logs = logs
        self._me = me
        self._bell = bell
        self._now_ms = now_ms
        self._stored = stored
        self._broken = broken
        self._waiting: deque[Delivered | Receipted] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._storing = asyncio.Lock()

    def put(self, arrived: Delivered | Receipted) -> None:
        """Take something off the link's hands; raise InboundFullError over the bound."""
        if self._bytes + arrived.size > MAX_WAITING_BYTES:
            raise InboundFullError
        self._waiting.append(arrived)
        self._bytes += arrived.size
        self._arrived.set()

    def clear(self) -> None:
        """Drop what waits: a new session brings it again from the durable cursors."""
        self._waiting.clear()
        self._bytes = 0

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
                    self.clear()
                    self._broken()

    def _batch(self) -> list[Delivered | Receipted]:
        batch: list[Delivered | Receipted] = []
        size = 0
        while self._waiting and size < MAX_BATCH_BYTES and len(batch) < MAX_BATCH_FRAMES:
            batch.append(self._waiting.popleft())
            size += batch[-1].size
        self._bytes -= size
        return batch

    async def _process(self, batch: list[Delivered | Receipted]) -> None:
        async with self._storing:
            delivered = [one for one in batch if isinstance(one, Delivered)]
            rosters_changed = await self._take(delivered) if delivered else False
            notices = [one for one in batch if isinstance(one, Receipted)]
            if notices:
                await self._note(notices)
        self._bell.ring()
        self._stored(more_may_go=rosters_changed)

    async def _take(self, delivered: list[Delivered]) -> bool:
        """Store items; return whether a roster changed by them."""
        parsed = [(one.channel, opening.parse(one.items)) for one in delivered]
        named = opening.cards_named(p for _, items in parsed for p in items)
        logs = await self._logs.missing({one.channel: one.items[0] for one in delivered})
        named |= {id_ for log in logs.values() for id_ in log.cards}
        cards = await self._directory.known_or_fetched(named, self._me.card)
        begun = {channel: log.verified(cards) for channel, log in logs.items()}
        fresh = {id_: card for id_, card in cards.items() if not self._directory.is_stored(id_)}
        small = sum(len(items) for _, items in parsed) <= MAX_OPENED_WHILE_STORING
        opened = None if small else await asyncio.to_thread(self._open, parsed, cards)
        now_ms = self._now_ms()

        def store(db: SqlConnection) -> bool:
            rosters.meet_cards(db, fresh, self._me.card, now_ms)
            for log in begun.values():
                if log:
                    rosters.begin(db, log, self._me.card, now_ms)
            changed = False
            for channel, items in opened or self._open(parsed, cards):
                changed |= taking.take(db, channel, items, Taking(self._me, now_ms))
            return changed

        changed = await self._database.write(store)
        self._directory.stored(fresh)
        return changed

    def _open(
        self, parsed: list[tuple[bytes, list[Parsed]]], cards: dict[bytes, Card]
    ) -> list[tuple[bytes, list[tuple[Item, Opened]]]]:
        return [(ch, opening.open_items(items, cards, self._me)) for ch, items in parsed]

    async def _note(self, notices: list[Receipted]) -> None:
        claims = receipts.parse((n.channel, n.receipt) for n in notices)
        ids = {claim.body.card for claim in claims}
        cards = await self._directory.known_or_fetched(ids, self._me.card)
        verified = await asyncio.to_thread(receipts.verify, claims, cards)
        now_ms = self._now_ms()

        def store(db: SqlConnection) -> None:
            for receipt in verified:
                receipts.take(db, receipt, self._me.card, now_ms)
            for notice in notices:
                channels.advance_receipts(db, notice.channel, notice.revision)

        await self._database.write(store)

    async def accept(self, identity: str, card: bytes | None) -> bool:
        """Pin offered cards of a contact and release what was held from them, in its order.

        Return False when there is no such contact. Raises DaemonError of the vault.
        """
        async with self._storing:
            held = await self._database.read(lambda db: _held(db, identity, card))
            if held is None:
                return False
            cards = {known.id: known for known in held.cards}
            parsed = [(h, opening.parse([_item(h)])) for h in held.envelopes]
            opened = [(h, opening.open_items(p, cards, self._me)) for h, p in parsed]
            now_ms = self._now_ms()

            def store(db: SqlConnection) -> None:
                contacts.accept(db, identity, card)
                for one, items in opened:
                    quarantine.release(db, one.number)
                    for item, thing in items:
                        taking.release(db, one.channel, item, thing, Taking(self._me, now_ms))

            await self._database.write(store)
        self._bell.ring()
        self._stored(more_may_go=True)
        return True


class _Held(Struct, frozen=True):
    cards: tuple[Card, ...]
    envelopes: tuple[quarantine.Held, ...]


def _held(db: SqlConnection, identity: str, card: bytes | None) -> _Held | None:
    contact = contacts.find(db, identity)
    if contact is None:
        return None
    offered = tuple(
        known.card
        for known in contact.cards
        if known.trust is contacts.Trust.OFFERED and card in (None, known.card.id)
    )
    held = [
        h for c in offered for h in quarantine.held_for(db, c.id, taking.UNTRUSTED, MAX_RELEASED)
    ]
    return _Held(offered, tuple(sorted(held, key=lambda h: h.number)))


def _item(held: quarantine.Held) -> Item:
    return Item(held.position, ItemKind.ENVELOPE, held.stored_at_ms, held.body)
