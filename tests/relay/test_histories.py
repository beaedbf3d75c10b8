"""Histories at the relay: statements are stored with what follows of them, and everybody concerned hears of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from peerpost_protocol import frames as f
from peerpost_protocol.history import CardState
from peerpost_protocol.limits import MAX_WAITING_CARDS
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.statement import Endorse, Reason, Revoke, Succeed
from tests.support.operating import revoking
from tests.support.relay_client import Person, RelayClient, now_ms, position, refusal
from tests.support.relay_server import RunningRelay
from tests.support.stating import history_of, link, signed, state, submit

LOST = Revoke(Reason.LOST)


class Pair:
    """Be alice and bob in a channel, both following it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.alice, self.bob = Person("alice@example.org"), Person("bob@example.org")

    async def meet(self) -> None:
        self.at_alice = await RelayClient.register(self.url, self.alice)
        self.at_bob = await RelayClient.register(self.url, self.bob)
        self.roster, event = self.alice.create([self.bob])
        position(await self.at_alice.submit(event))
        await self.at_bob.subscribe()
        await self.at_bob.items(self.roster.channel, 1)


@pytest.fixture
async def pair(relay: RunningRelay) -> AsyncIterator[Pair]:
    made = Pair(relay.url)
    await made.meet()
    yield made
    await made.at_alice.close()
    await made.at_bob.close()


async def until(client: RelayClient, kind: type[f.RelayFrame]) -> f.RelayFrame:
    while not isinstance(frame := await client.next(), kind):
        pass
    return frame


async def test_a_first_card_begins_a_history(pair: Pair) -> None:
    history = await history_of(pair.at_bob, pair.alice.card.identity)
    assert (history.length, history.live) == (1, (pair.alice.card,))


async def test_an_identity_nobody_has_has_no_history(pair: Pair) -> None:
    page = await pair.at_bob.ask(f.ReadHistory(9, "nobody@example.org", 0))
    assert page == f.HistoryPage(9, "nobody@example.org", (), 0)


async def test_a_further_card_waits_unseen_until_it_is_endorsed(pair: Pair) -> None:
    phone = Person(pair.alice.card.identity, endorser=pair.alice.card.id)
    async with await RelayClient.register(pair.url, phone) as at_phone:
        found = await pair.at_bob.search(phone.card.identity)
        assert isinstance(found, f.Cards)
        assert [record.card for record in found.records] == [pair.alice.card.signed]
        waiting = await pair.at_alice.ask(f.ReadWaitingCards(9))
        assert isinstance(waiting, f.Cards)
        assert [(r.card, r.state) for r in waiting.records] == [
            (phone.card.signed, CardState.UNENDORSED)
        ]
        assert refusal(await at_phone.ask(f.ReadWaitingCards(9))) == Refusal.NOT_ENDORSED


async def test_an_endorsed_card_is_found_with_its_endorser(pair: Pair) -> None:
    phone, at_phone = await link(pair.url, pair.at_alice, pair.alice)
    found = await pair.at_bob.search(phone.card.identity)
    assert isinstance(found, f.Cards)
    assert [(r.card, r.state, r.endorsers) for r in found.records] == [
        (pair.alice.card.signed, CardState.LIVE, ()),
        (phone.card.signed, CardState.LIVE, (pair.alice.card.id,)),
    ]
    await at_phone.close()


async def test_an_endorsed_card_enters_the_channels_of_its_identity(pair: Pair) -> None:
    phone = Person(pair.alice.card.identity, endorser=pair.alice.card.id)
    async with await RelayClient.register(pair.url, phone) as at_phone:
        await at_phone.subscribe()
        await state(pair.at_alice, pair.alice, phone, Endorse())
        joined = await until(at_phone, f.Joined)
        assert isinstance(joined, f.Joined)
        assert (joined.state.channel, joined.state.first) == (pair.roster.channel, 2)
        position(await pair.at_bob.publish(pair.bob.envelope(pair.roster, "to both")))
        (item,) = await at_phone.items(pair.roster.channel, 1)
        assert item.position == 2
        assert position(await at_phone.publish(phone.envelope(pair.roster, "from the phone"))) == 3


async def test_all_who_share_a_channel_and_the_own_cards_hear_of_it(pair: Pair) -> None:
    await pair.at_alice.subscribe()
    phone, at_phone = await link(pair.url, pair.at_alice, pair.alice)
    history = await history_of(pair.at_bob, phone.card.identity)
    for client in (pair.at_bob, pair.at_alice):
        notice = await until(client, f.CardNotice)
        assert isinstance(notice, f.CardNotice)
        assert (notice.identity, notice.position) == (phone.card.identity, 1)
        assert history.length == notice.position + len(notice.entries)
    await at_phone.close()


async def test_whoever_shares_no_channel_hears_nothing(pair: Pair) -> None:
    async with await RelayClient.register(pair.url, Person("carol@example.org")) as carol:
        await carol.subscribe()
        _, at_phone = await link(pair.url, pair.at_alice, pair.alice)
        assert isinstance(await carol.search("alice@example.org"), f.Cards)
        assert not carol._unread
        await at_phone.close()


async def test_revoking_ends_sessions_and_channels_at_once(pair: Pair) -> None:
    phone, at_phone = await link(pair.url, pair.at_alice, pair.alice)
    await at_phone.subscribe()
    position(await state(pair.at_alice, pair.alice, phone, LOST))
    assert refusal(await until(at_phone, f.Closing)) == Refusal.CARD_REVOKED
    again = await RelayClient.connect(pair.url)
    await again.greet()
    assert refusal(await again.prove(phone)) == Refusal.CARD_REVOKED
    await again.close()


async def test_a_card_may_revoke_itself_and_the_identity_begin_anew(pair: Pair) -> None:
    position(await state(pair.at_alice, pair.alice, pair.alice, LOST))
    assert refusal(await until(pair.at_alice, f.Closing)) == Refusal.CARD_REVOKED
    again = Person(pair.alice.card.identity)
    async with await RelayClient.register(pair.url, again) as client:
        history = await history_of(client, again.card.identity)
        assert history.live == (again.card,)
        assert refusal(await client.read(pair.roster.channel)) == Refusal.UNKNOWN_CHANNEL


async def test_a_successor_takes_over_the_channels(pair: Pair) -> None:
    new = Person(pair.alice.card.identity, predecessor=pair.alice.card.id)
    async with await RelayClient.register(pair.url, new) as at_new:
        position(await state(pair.at_alice, pair.alice, new, Succeed()))
        assert refusal(await until(pair.at_alice, f.Closing)) == Refusal.CARD_REVOKED
        assert position(await at_new.publish(new.envelope(pair.roster))) == 2
        records = await at_new.ask(f.FetchCards(9, (pair.alice.card.id, new.card.id)))
        assert isinstance(records, f.Cards)
        assert [r.state for r in records.records] == [CardState.REPLACED, CardState.LIVE]


async def test_a_further_device_administers_and_comes_and_goes_with_its_identity(
    pair: Pair,
) -> None:
    phone, at_phone = await link(pair.url, pair.at_bob, pair.bob)
    carol = Person("carol@example.org")
    async with await RelayClient.register(pair.url, carol) as at_carol:
        roster, event = carol.create([pair.bob])
        position(await at_carol.submit(event))
        assert position(await at_phone.publish(phone.envelope(roster))) == 2
        roster, event = carol.remove(roster, pair.bob)
        position(await at_carol.submit(event))
        assert refusal(await at_phone.publish(phone.envelope(roster))) == Refusal.NOT_A_MEMBER
    await at_phone.close()


async def test_the_operators_revocation_is_signed_by_the_relay_and_pushed(
    pair: Pair, relay: RunningRelay
) -> None:
    await relay.store.write([revoking(pair.alice.card, now_ms(), relay.relay.key)])
    assert isinstance(await until(pair.at_bob, f.CardNotice), f.CardNotice)
    assert refusal(await until(pair.at_alice, f.Closing)) == Refusal.CARD_REVOKED
    history = await history_of(pair.at_bob, pair.alice.card.identity)
    revocation = history.cards[pair.alice.card.id].revocation
    assert revocation is not None
    assert (revocation.operator, revocation.reason) == (True, Reason.LOST)


async def test_the_same_statement_again_is_answered_with_its_first_place(pair: Pair) -> None:
    phone = Person(pair.alice.card.identity, endorser=pair.alice.card.id)
    async with await RelayClient.register(pair.url, phone):
        history = await history_of(pair.at_alice, phone.card.identity)
        statement = signed(pair.alice, history, phone, Endorse())
        first, again = [await submit(pair.at_alice, statement) for _ in range(2)]
        assert isinstance(first, f.Accepted)
        assert isinstance(again, f.Accepted)
        assert (again.subject, again.position) == (first.subject, first.position)


async def test_a_card_that_never_came_cannot_be_endorsed(pair: Pair) -> None:
    phone = Person(pair.alice.card.identity, endorser=pair.alice.card.id)
    said = await state(pair.at_alice, pair.alice, phone, Endorse())
    assert refusal(said) == Refusal.UNKNOWN_CARD


async def test_a_further_card_names_a_live_card_of_its_identity(pair: Pair) -> None:
    async with await RelayClient.connect(pair.url) as client:
        await client.greet()
        for named in (pair.bob.card.id, bytes(32)):
            wrong = Person(pair.alice.card.identity, endorser=named)
            assert refusal(await client.publish_card(wrong)) == Refusal.BAD_STATEMENT


async def test_a_second_first_card_is_told_which_card_to_ask(pair: Pair) -> None:
    async with await RelayClient.connect(pair.url) as client:
        await client.greet()
        said = await client.publish_card(Person(pair.alice.card.identity))
        assert isinstance(said, f.Refused)
        assert (said.kind, said.subject) == (Refusal.IDENTITY_TAKEN, pair.alice.card.id)


async def test_of_two_registrations_at_once_exactly_one_is_first(relay: RunningRelay) -> None:
    people = [Person("dave@example.org") for _ in range(8)]
    clients = [await RelayClient.connect(relay.url) for _ in people]
    for client in clients:
        await client.greet()
    said = await asyncio.gather(
        *(client.publish_card(person) for client, person in zip(clients, people, strict=True))
    )
    first = [
        p.card.id for p, answer in zip(people, said, strict=True) if isinstance(answer, f.Accepted)
    ]
    assert len(first) == 1
    others = [answer for answer in said if isinstance(answer, f.Refused)]
    assert {(answer.kind, answer.subject) for answer in others} == {("identity_taken", first[0])}
    for client in clients:
        await client.close()


async def test_so_many_cards_wait_and_no_more(pair: Pair) -> None:
    clients = []
    for _ in range(MAX_WAITING_CARDS):
        phone = Person(pair.alice.card.identity, endorser=pair.alice.card.id)
        clients.append(await RelayClient.register(pair.url, phone))
    said = await clients[0].publish_card(
        Person(pair.alice.card.identity, endorser=pair.alice.card.id)
    )
    assert refusal(said) == Refusal.TOO_MANY_CARDS
    for client in clients:
        await client.close()
