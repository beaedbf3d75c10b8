"""The writer and the rules of what is committed, on a real store without sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from peerpost_protocol.envelope import Envelope, parse_envelope, verify_envelope
from peerpost_protocol.frames import Attestation, ItemKind
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.roster import Create, Member, Role, Roster, RosterEvent
from peerpost_relay import directory, membership, publishing, receipts
from peerpost_relay.errors import RefusalError, StoreFullError
from peerpost_relay.outcomes import Appended, News, Outcome, Receipted
from peerpost_relay.session import Proven
from peerpost_relay.settings import RelaySettings
from peerpost_relay.sqlite_store import SqliteStore
from peerpost_relay.store import Operation
from peerpost_relay.verification import verified_receipt
from peerpost_relay.writer import Write, Writer
from tests.support.operating import revoking
from tests.support.relay_client import Person

NOW = 1_000_000
CHANNELS_MAX = 3


class Desk:
    """Be a writer with its store and three people, and everything that it told."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.news: list[News] = []
        self.groups: list[int] = []
        self.writer = Writer(RelaySettings(), store, self.news.extend)
        self.alice = Person("alice@example.org")
        self.bob = Person("bob@example.org")
        self.carol = Person("carol@example.org")

    async def commit(self, *operations: Operation[Any]) -> list[Any]:
        """Put operations at once and wait for all answers."""
        answers: list[Any] = []
        for operation in operations:
            self.writer.put(Write(operation, answers.append))
        await self.writer.drained()
        return answers

    async def one(self, operation: Operation[Any]) -> Any:
        return (await self.commit(operation))[0]

    async def team(self, *others: Person) -> Roster:
        roster, event = self.alice.create(others or (self.bob,))
        assert isinstance(await self.one(submit(event)), Outcome)
        return roster


def add_card(person: Person) -> Operation[Outcome]:
    return lambda t: directory.publish_card(t, person.card, None, NOW, without=None)


def submit(event: RosterEvent) -> Operation[Outcome]:
    return partial(membership.submit, event=event, now_ms=NOW, channels_max=CHANNELS_MAX)


def publish(sender: Person, data: bytes, now_ms: int = NOW) -> Operation[Outcome]:
    envelope = verified(sender, data)
    return partial(publishing.publish, envelope=envelope, data=data, now_ms=now_ms)


def verified(sender: Person, data: bytes) -> Envelope:
    return verify_envelope(parse_envelope(data), sender.card)


def post(person: Person, channel: bytes, position: int) -> Operation[Outcome]:
    proven = Proven(person.card, 0, Attestation.UNVERIFIED)
    receipt = verified_receipt(person.receipt(channel, position), proven)
    return partial(receipts.post, receipt=receipt)


def kind(result: object) -> Refusal:
    assert isinstance(result, RefusalError), result
    return result.kind


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    store = await SqliteStore.open(tmp_path / "relay.sqlite")
    made = Desk(store)
    task = asyncio.create_task(made.writer.run())
    for person in (made.alice, made.bob, made.carol):
        await made.one(add_card(person))
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await store.close()


async def test_what_waits_is_committed_together(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = desk.store.write
    sizes: list[int] = []

    async def counted(operations: Sequence[Callable[..., Any]]) -> list[Any]:
        sizes.append(len(operations))
        return await write(operations)

    monkeypatch.setattr(desk.store, "write", counted)
    roster = await desk.team()
    await desk.commit(*[publish(desk.alice, desk.alice.envelope(roster)) for _ in range(50)])
    assert sizes == [1, 50]


async def test_positions_have_no_holes_and_news_come_in_their_order(desk: Desk) -> None:
    roster = await desk.team()
    results = await desk.commit(
        publish(desk.alice, desk.alice.envelope(roster)),
        publish(desk.alice, desk.alice.envelope(roster), now_ms=NOW),
        publish(desk.bob, desk.bob.envelope(roster)),
    )
    assert [result.position for result in results] == [2, 3, 4]
    told = [news.item.position for news in desk.news if isinstance(news, Appended)]
    assert told == [1, 2, 3, 4]


async def test_a_refused_publish_leaves_no_hole_and_harms_nobody(desk: Desk) -> None:
    roster = await desk.team()
    first, bad, last = await desk.commit(
        publish(desk.alice, desk.alice.envelope(roster)),
        publish(desk.carol, desk.carol.envelope(roster)),
        publish(desk.bob, desk.bob.envelope(roster)),
    )
    assert kind(bad) is Refusal.UNKNOWN_CHANNEL
    assert (first.position, last.position) == (2, 3)


async def test_the_same_envelope_again_has_its_first_position_and_makes_no_news(
    desk: Desk,
) -> None:
    roster = await desk.team()
    data = desk.alice.envelope(roster)
    first, again = await desk.commit(publish(desk.alice, data), publish(desk.alice, data))
    assert first.position == again.position == 2
    assert again.news is None


async def test_another_envelope_under_a_used_message_id_is_refused(desk: Desk) -> None:
    roster = await desk.team()
    place = desk.alice.place(roster, message=b"m" * 16)
    await desk.one(publish(desk.alice, desk.alice.envelope(roster, place=place)))
    reused = desk.alice.place(roster, message=b"m" * 16)
    result = await desk.one(publish(desk.alice, desk.alice.envelope(roster, place=reused)))
    assert kind(result) is Refusal.MESSAGE_ID_REUSED


async def test_a_skipped_sequence_is_refused(desk: Desk) -> None:
    roster = await desk.team()
    desk.alice.envelope(roster)
    result = await desk.one(publish(desk.alice, desk.alice.envelope(roster)))
    assert kind(result) is Refusal.OUT_OF_SEQUENCE


async def test_a_forked_chain_is_refused(desk: Desk) -> None:
    roster = await desk.team()
    await desk.one(publish(desk.alice, desk.alice.envelope(roster)))
    desk.alice.chains[roster.channel] = (1, b"another" + b"x" * 25)
    result = await desk.one(publish(desk.alice, desk.alice.envelope(roster)))
    assert kind(result) is Refusal.OUT_OF_SEQUENCE


async def test_an_envelope_under_an_older_roster_is_refused(desk: Desk) -> None:
    old = await desk.team()
    _, event = desk.alice.add(old, desk.carol)
    await desk.one(submit(event))
    result = await desk.one(publish(desk.alice, desk.alice.envelope(old)))
    assert kind(result) is Refusal.STALE_ROSTER


async def test_an_expired_envelope_is_refused(desk: Desk) -> None:
    roster = await desk.team()
    place = desk.alice.place(roster, expires_at_ms=NOW)
    result = await desk.one(publish(desk.alice, desk.alice.envelope(roster, place=place)))
    assert kind(result) is Refusal.EXPIRED


async def test_a_former_member_cannot_publish(desk: Desk) -> None:
    roster = await desk.team()
    after, event = desk.alice.remove(roster, desk.bob)
    await desk.one(submit(event))
    result = await desk.one(publish(desk.bob, desk.bob.envelope(after)))
    assert kind(result) is Refusal.NOT_A_MEMBER


async def test_a_revoked_card_cannot_publish(desk: Desk) -> None:
    roster = await desk.team()
    await desk.one(revoking(desk.bob.card, NOW))
    result = await desk.one(publish(desk.bob, desk.bob.envelope(roster)))
    assert kind(result) is Refusal.CARD_REVOKED


async def test_the_same_roster_event_again_has_its_first_position(desk: Desk) -> None:
    _, event = desk.alice.create((desk.bob,))
    first, again = await desk.commit(submit(event), submit(event))
    assert (again.subject, again.position) == (first.subject, first.position)
    assert again.news is None


async def test_of_two_events_at_one_place_the_first_stands(desk: Desk) -> None:
    roster = await desk.team()
    _, add = desk.alice.add(roster, desk.carol)
    _, leave = desk.bob.leave(roster)
    first, second = await desk.commit(submit(add), submit(leave))
    assert first.position == 2
    assert kind(second) is Refusal.ROSTER_CONFLICT


async def test_two_people_have_one_direct_channel(desk: Desk) -> None:
    _, first = desk.alice.create((desk.bob,), direct=True)
    _, second = desk.bob.create((desk.alice,), direct=True)
    made, refused = await desk.commit(submit(first), submit(second))
    assert kind(refused) is Refusal.DIRECT_EXISTS
    assert refused.subject == made.subject


async def test_a_card_that_the_directory_does_not_know_cannot_be_listed(desk: Desk) -> None:
    _, event = desk.alice.create((Person("nobody@example.org"),))
    assert kind(await desk.one(submit(event))) is Refusal.BAD_CHANGE


async def test_a_card_cannot_be_listed_for_another_identity(desk: Desk) -> None:
    forged = Member("carol@example.org", Role.MEMBER, (desk.bob.card.id,))
    members = (desk.alice.member(Role.OWNER), forged)
    event = desk.alice.event(None, Create("team", direct=False, members=members, nonce=b"n" * 32))
    assert kind(await desk.one(submit(event))) is Refusal.BAD_CHANGE


async def test_a_card_is_in_so_many_channels_and_no_more(desk: Desk) -> None:
    for _ in range(CHANNELS_MAX):
        await desk.team()
    _, event = desk.alice.create((desk.carol,))
    assert kind(await desk.one(submit(event))) is Refusal.TOO_MANY_CHANNELS


async def test_the_newest_receipt_stands_and_an_older_one_is_ignored(desk: Desk) -> None:
    roster = await desk.team()
    newer, older = await desk.commit(
        post(desk.bob, roster.channel, 5), post(desk.bob, roster.channel, 3)
    )
    assert (newer.position, older.position) == (1, 1)
    assert [news.revision for news in desk.news if isinstance(news, Receipted)] == [1]


async def test_a_receipt_of_a_stranger_tells_nothing_of_the_channel(desk: Desk) -> None:
    roster = await desk.team()
    result = await desk.one(post(desk.carol, roster.channel, 1))
    assert kind(result) is Refusal.UNKNOWN_CHANNEL


async def test_a_lost_group_is_refused_whole_and_the_writer_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    roster = await desk.team()
    data = desk.alice.envelope(roster)

    async def full(_: object) -> list[Any]:
        raise StoreFullError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(desk.store, "write", full)
        refused = await desk.one(publish(desk.alice, data))
        assert kind(refused) is Refusal.STORAGE_FULL
        assert desk.writer.failing is Refusal.STORAGE_FULL
    assert (await desk.one(publish(desk.alice, data))).position == 2
    assert desk.writer.failing is None


async def test_expired_envelopes_go_positions_stay(desk: Desk) -> None:
    roster = await desk.team()
    place = desk.alice.place(roster, expires_at_ms=NOW + 10)
    await desk.one(publish(desk.alice, desk.alice.envelope(roster, place=place)))
    await desk.one(publish(desk.alice, desk.alice.envelope(roster)))
    assert await desk.one(lambda t: t.expire(NOW + 10, NOW + 20, 100)) == 1
    channel = await desk.store.read(lambda s: s.channel(roster.channel))
    assert channel is not None
    assert (channel.last, channel.lost) == (3, 2)
    items, reached = await desk.store.read(lambda s: s.items(channel.number, 0, 3, 100, 10_000))
    assert [(item.position, item.kind) for item in items] == [
        (1, ItemKind.ROSTER_EVENT),
        (3, ItemKind.ENVELOPE),
    ]
    assert reached == 3
