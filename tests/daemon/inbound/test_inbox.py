"""The inbox: nothing that arrives stops it, and nothing is lost when something cannot be stored."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec import Struct

from peerpost_daemon.bell import Bell
from peerpost_daemon.directory import Directory
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.inbound import inbox as module
from peerpost_daemon.inbound import releasing
from peerpost_daemon.inbound.arrivals import Delivered, News
from peerpost_daemon.inbound.inbox import Inbox
from peerpost_daemon.inbound.logs import RosterLogs
from peerpost_daemon.inbound.opening import Recipient
from peerpost_daemon.inbound.spoiled import MAX_READ_AGAIN
from peerpost_daemon.link.errors import InboundFullError, LinkDownError
from peerpost_daemon.link.requests import AnswerFrame, RequestFrame
from peerpost_daemon.records import contacts, judgement
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.frames import (
    Attestation,
    CardRecord,
    Cards,
    CardState,
    FetchCards,
    Item,
    ReadStream,
    StreamPage,
)
from tests.support.people import NOW_MS, Channel, Person, added, person, removed
from tests.support.receiving import Chain, Desk

PATIENCE_SECONDS = 10


class CardFile:
    """Be a relay that knows the desk's cards and the items it is given, while `up`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.up = True
        self.items: dict[int, Item] = {}
        self.read: list[int] = []

    async def request(self, frame: RequestFrame) -> AnswerFrame:
        if not self.up:
            raise LinkDownError("link_down", "down")
        if isinstance(frame, ReadStream):
            position = frame.after + 1
            self.read.append(position)
            items = (self.items[position],) if position in self.items else ()
            return StreamPage(0, frame.channel, items, position, recovered=True)
        assert isinstance(frame, FetchCards)
        found = (self.desk.cards[id_] for id_ in frame.cards if id_ in self.desk.cards)
        live = (Attestation.VERIFIED, None, CardState.LIVE, ())
        return Cards(0, tuple(CardRecord(c.signed, *live) for c in found))


class Running(Struct):
    inbox: Inbox
    relay: CardFile
    bell: Bell
    broken: asyncio.Event

    async def until_rung(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.bell.wait(0)

    async def until_broken(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.broken.wait()


@pytest.fixture
async def running(desk: Desk) -> AsyncIterator[Running]:
    relay, bell, broken = CardFile(desk), Bell(), asyncio.Event()
    inbox = Inbox(
        desk.database,
        Directory(relay, desk.database),
        RosterLogs(relay, desk.database),
        Recipient(desk.me.card, desk.me.keys),
        bell,
        relay=relay,
        now_ms=lambda: desk.now_ms,
        stored=_heard,
        broken=broken.set,
    )
    task = asyncio.create_task(inbox.run())
    yield Running(inbox, relay, bell, broken)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def delivered(desk: Desk, channel: Channel, *envelopes: bytes, size: int = 1) -> Delivered:
    return Delivered(channel.id, tuple(desk.item(one) for one in envelopes), size)


async def test_what_arrives_is_stored_and_the_bell_rings(
    running: Running, desk: Desk, ops: Channel, alice: Person, bob: Person
) -> None:
    running.inbox.put(delivered(desk, ops, Chain(alice, ops, bob).next("hello")))
    await running.until_rung()
    assert await desk.texts() == ["hello"]


async def test_more_than_may_wait_is_refused(running: Running, desk: Desk, ops: Channel) -> None:
    running.inbox.put(delivered(desk, ops, b"x", size=module.MAX_WAITING_BYTES))
    with pytest.raises(InboundFullError):
        running.inbox.put(delivered(desk, ops, b"x"))
    running.inbox.clear()
    running.inbox.put(delivered(desk, ops, b"x"))


async def test_nothing_that_follows_a_failure_moves_the_cursor_past_it(
    running: Running,
    desk: Desk,
    ops: Channel,
    alice: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain = Chain(alice, ops, desk.me)
    lost, next_ = (delivered(desk, ops, chain.next(text)) for text in ("lost", "next"))
    with monkeypatch.context() as patch:
        patch.setattr(desk.database, "write", _full)
        running.inbox.put(lost)
        await running.until_broken()
    running.inbox.put(next_)  # the session has not ended yet
    assert not running.inbox._waiting
    running.inbox.clear()  # the next session begins
    running.inbox.put(lost)
    running.inbox.put(next_)
    await running.until_rung()
    await _texts(running, desk, ["lost", "next"])
    assert await desk.reasons() == []


async def test_a_link_that_breaks_while_a_card_is_fetched_loses_nothing(
    running: Running, desk: Desk, ops: Channel, alice: Person, bob: Person
) -> None:
    dave = person("dave")
    desk.meets(dave)
    later = added(ops, alice, dave)
    event = Delivered(ops.id, (desk.item(later.events[-1]),), 1)
    hello = delivered(desk, ops, Chain(dave, later, bob).next("hello"))
    running.relay.up = False
    running.inbox.put(event)
    await running.until_broken()
    running.inbox.put(hello)
    running.relay.up = True
    running.inbox.clear()
    running.inbox.put(event)
    running.inbox.put(hello)
    await _texts(running, desk, ["hello"])


async def test_a_fault_nobody_thought_of_leaves_the_inbox_deaf(
    running: Running, desk: Desk, ops: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def bug(_batch: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(running.inbox, "_process", bug)
    running.inbox.put(delivered(desk, ops, b"x"))
    with pytest.raises(ZeroDivisionError):
        await running.inbox.run()
    running.inbox.put(delivered(desk, ops, b"y"))
    assert not running.inbox._waiting


async def test_an_acceptance_releases_everything_in_its_order(
    running: Running, desk: Desk, ops: Channel, alice: Person, bob: Person
) -> None:
    other = person("carol", device="other")
    desk.meets(other)
    later = added(removed(ops, alice, person("carol")), alice, other)
    chain = Chain(other, later, bob)
    texts = [str(n) for n in range(releasing.MAX_RELEASED + 3)]
    await desk.take(ops, *later.events[1:], *(chain.next(text) for text in texts))
    assert await desk.texts() == []
    await running.inbox.judge(lambda db: _accept(db, other.identity))
    assert await desk.texts() == texts
    await desk.take(ops, chain.next("and on"))
    assert await desk.texts() == [*texts, "and on"]


async def test_a_blocked_contact_is_not_accepted_and_nothing_of_it_is_kept(
    running: Running, desk: Desk, ops: Channel, alice: Person, bob: Person
) -> None:
    other = person("carol", device="other")
    desk.meets(other)
    later = added(removed(ops, alice, person("carol")), alice, other)
    chain = Chain(other, later, bob)
    await desk.take(ops, *later.events[1:], chain.next("psst"))
    await running.inbox.judge(lambda db: judgement.block(db, other.identity, NOW_MS))
    with pytest.raises(DaemonError, match="unblock it first"):
        await running.inbox.judge(lambda db: _accept(db, other.identity))
    await desk.take(ops, chain.next("psst again"))
    assert (await desk.reasons())[-1] == "blocked"
    await running.inbox.judge(lambda db: judgement.unblock(db, other.identity, NOW_MS))
    await running.inbox.judge(lambda db: _accept(db, other.identity))
    assert await desk.texts() == []


def _accept(db: SqlConnection, identity: str) -> None:
    contacts.accept(db, identity, None, NOW_MS)


def _heard(news: News) -> None:
    """Be told of a commit."""


async def _full(_function: object, *, later: bool = False) -> None:
    raise DaemonError("storage_full", "full")


async def _texts(running: Running, desk: Desk, wanted: list[str]) -> None:
    seen = running.bell.rings
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await desk.texts() != wanted:
            seen = await running.bell.wait(seen)


async def test_what_was_spoiled_on_its_way_is_read_again_and_taken_in_its_place(
    running: Running, desk: Desk, ops: Channel, alice: Person
) -> None:
    chain = Chain(alice, ops, desk.me)
    both = delivered(desk, ops, chain.next("one"), chain.next("two"))
    sound = both.items[0]
    running.relay.items[sound.position] = sound
    spoiled = Item(sound.position, sound.kind, sound.stored_at_ms, _flipped(sound.body))
    running.inbox.put(Delivered(ops.id, (spoiled, both.items[1]), 1))
    await _texts(running, desk, ["one", "two"])
    assert await desk.reasons() == []
    assert running.relay.read == [sound.position]


async def test_what_is_bad_at_the_relay_too_is_quarantined_after_one_more_look(
    running: Running, desk: Desk, ops: Channel, alice: Person
) -> None:
    chain = Chain(alice, ops, desk.me)
    both = delivered(desk, ops, chain.next("one"), chain.next("two"))
    sound = both.items[0]
    spoiled = Item(sound.position, sound.kind, sound.stored_at_ms, _flipped(sound.body))
    running.relay.items[sound.position] = spoiled
    running.inbox.put(Delivered(ops.id, (spoiled, both.items[1]), 1))
    await _texts(running, desk, ["two"])
    assert await desk.reasons() == ["bad_signature", "gap"]
    assert running.relay.read == [sound.position]


async def test_a_batch_of_bad_items_is_not_read_again(
    running: Running, desk: Desk, ops: Channel, alice: Person
) -> None:
    many = delivered(desk, ops, *(b"nothing" for _ in range(MAX_READ_AGAIN + 1)))
    running.inbox.put(many)
    await running.until_rung()
    assert len(await desk.reasons()) == MAX_READ_AGAIN + 1
    assert running.relay.read == []


def _flipped(body: bytes) -> bytes:
    """Return an envelope with one bit of its ciphertext flipped."""
    return body[:-100] + bytes([body[-100] ^ 1]) + body[-99:]
