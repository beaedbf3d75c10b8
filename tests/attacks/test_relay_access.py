"""Whoever has no right reads nothing, writes nothing, and learns nothing of what there is."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from websockets.exceptions import ConnectionClosed

from peerpost_protocol import frames as f
from peerpost_protocol.limits import MAX_FRAME
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.roster import Member, Rename, Role, Roster
from peerpost_protocol.signing import Signed
from peerpost_relay.settings import RelaySettings
from tests.support.relay_client import Person, RelayClient, position, refusal
from tests.support.relay_server import RunningRelay, running_relay

CHANNEL = b"c" * 32
TOO_BIG = 1009


class Team:
    """Be alice with bob in a channel that holds one message, and mallory, who has a card."""

    def __init__(self, relay: RunningRelay) -> None:
        self.relay = relay
        self.alice = Person("alice@example.org")
        self.bob = Person("bob@example.org")
        self.mallory = Person("mallory@example.org")
        self.roster: Roster
        self.at_alice: RelayClient
        self.at_bob: RelayClient
        self.at_mallory: RelayClient

    async def meet(self) -> None:
        self.at_alice = await RelayClient.register(self.relay.url, self.alice)
        self.at_bob = await RelayClient.register(self.relay.url, self.bob)
        self.at_mallory = await RelayClient.register(self.relay.url, self.mallory)
        self.roster, event = self.alice.create([self.bob])
        position(await self.at_alice.submit(event))
        position(await self.at_alice.publish(self.alice.envelope(self.roster)))

    async def part(self) -> None:
        for client in (self.at_alice, self.at_bob, self.at_mallory):
            await client.close()


@pytest.fixture
async def team(relay: RunningRelay) -> AsyncIterator[Team]:
    made = Team(relay)
    await made.meet()
    yield made
    await made.part()


@pytest.mark.parametrize(
    "asked",
    [
        f.ReadStream(1, CHANNEL, 0, 10),
        f.ReadRoster(1, CHANNEL, 0),
        f.Subscribe(1, (), everything=True),
        f.SearchCards(1, ("alice@example.org",)),
        f.FetchCards(1, (CHANNEL,)),
        f.Publish(1, b"x"),
    ],
)
async def test_before_authentication_nothing_is_read_or_published(
    relay: RunningRelay, asked: f.ClientFrame
) -> None:
    async with await RelayClient.connect(relay.url) as client:
        await client.greet()
        assert refusal(await client.ask(asked)) == Refusal.NOT_AUTHENTICATED


async def test_a_stranger_cannot_tell_a_channel_from_none(team: Team) -> None:
    for channel in (team.roster.channel, CHANNEL):
        assert refusal(await team.at_mallory.read(channel)) == Refusal.UNKNOWN_CHANNEL
        assert refusal(await team.at_mallory.read_roster(channel)) == Refusal.UNKNOWN_CHANNEL
    answer = await team.at_mallory.subscribe(f.Cursor(team.roster.channel, 0, 0))
    assert answer == f.Subscribed(getattr(answer, "request", 0), ())


async def test_a_stranger_cannot_publish(team: Team) -> None:
    data = team.mallory.envelope(team.roster)
    assert refusal(await team.at_mallory.publish(data)) == Refusal.UNKNOWN_CHANNEL


async def test_a_stranger_cannot_add_himself(team: Team) -> None:
    _, event = team.alice.add(team.roster, team.mallory)
    assert refusal(await team.at_mallory.submit(event)) == Refusal.UNKNOWN_CHANNEL


# --- a member may give back another's event that a relay has lost; nobody else, and nothing else


async def test_a_member_gives_back_what_another_has_signed(team: Team) -> None:
    _, event = team.alice.add(team.roster, team.mallory)
    assert position(await team.at_bob.submit(event)) == 3
    assert position(await team.at_bob.submit(event)) == 3


async def test_a_forged_event_is_refused_whoever_brings_it(team: Team) -> None:
    _, event = team.alice.add(team.roster, team.mallory)
    event = replace(event, signed=Signed(event.signed.payload, bytes(64)))
    assert refusal(await team.at_bob.submit(event)) == Refusal.BAD_SIGNATURE
    assert refusal(await team.at_alice.submit(event)) == Refusal.BAD_SIGNATURE


async def test_an_event_of_a_card_that_the_relay_lacks_is_refused(team: Team) -> None:
    _, event = Person("alice@example.org").create([team.bob])
    assert refusal(await team.at_bob.submit(event)) == Refusal.UNKNOWN_CARD


async def test_who_brings_an_event_lends_its_author_no_right(team: Team) -> None:
    roster = replace(team.roster, members=_all_owners(team.roster))
    _, event = team.bob.add(roster, team.mallory)
    assert refusal(await team.at_alice.submit(event)) == Refusal.NOT_AN_ADMIN


async def test_an_event_that_another_overtook_is_refused_whoever_brings_it(team: Team) -> None:
    _, overtaken = team.alice.add(team.roster, team.mallory)
    position(await team.at_alice.submit(team.alice.event(team.roster, Rename("other"))))
    assert refusal(await team.at_bob.submit(overtaken)) == Refusal.ROSTER_CONFLICT


async def test_who_was_removed_does_not_bring_himself_back(team: Team) -> None:
    after, removing = team.alice.remove(team.roster, team.bob)
    position(await team.at_alice.submit(removing))
    _, adding = team.alice.add(after, team.bob)
    for event in (adding, removing):
        assert refusal(await team.at_bob.submit(event)) == Refusal.NOT_A_MEMBER


async def test_a_stranger_learns_of_no_event_whether_the_relay_has_it(team: Team) -> None:
    _, event = team.alice.create([team.bob])
    assert refusal(await team.at_mallory.submit(event)) == Refusal.UNKNOWN_CHANNEL
    position(await team.at_bob.submit(event))
    assert refusal(await team.at_mallory.submit(event)) == Refusal.UNKNOWN_CHANNEL


def _all_owners(roster: Roster) -> dict[str, Member]:
    return {who: replace(member, role=Role.OWNER) for who, member in roster.members.items()}


async def test_nobody_publishes_in_anothers_name(team: Team) -> None:
    data = team.alice.envelope(team.roster)
    assert refusal(await team.at_bob.publish(data)) == Refusal.BAD_SIGNATURE


async def test_nobody_posts_anothers_receipt(team: Team) -> None:
    receipt = team.bob.receipt(team.roster.channel, 2)
    assert refusal(await team.at_alice.post_receipt(receipt)) == Refusal.BAD_SIGNATURE


async def test_a_former_member_reads_nothing_after_its_removal(team: Team) -> None:
    after, event = team.alice.remove(team.roster, team.bob)
    await team.at_alice.submit(event)
    secret = team.alice.envelope(after, "secret")
    await team.at_alice.publish(secret)
    page = await team.at_bob.read(team.roster.channel)
    assert isinstance(page, f.StreamPage)
    assert ([item.position for item in page.items], page.last) == ([1, 2, 3], 3)
    roster = await team.at_bob.read_roster(team.roster.channel)
    assert isinstance(roster, f.RosterPage)
    assert len(roster.events) == 2


async def test_a_former_member_hears_nothing_after_its_removal(team: Team) -> None:
    await team.at_bob.subscribe(f.Cursor(team.roster.channel, 2, 0))
    after, event = team.alice.remove(team.roster, team.bob)
    await team.at_alice.submit(event)
    await team.at_alice.publish(team.alice.envelope(after, "secret"))
    assert [item.position for item in await team.at_bob.items(team.roster.channel, 1)] == [3]
    answer = await team.at_bob.subscribe(f.Cursor(team.roster.channel, 3, 0))
    assert isinstance(answer, f.Subscribed)
    assert (answer.states[0].last, answer.states[0].roster_position) == (3, 1)
    assert isinstance(await team.at_bob.search("alice@example.org"), f.Cards)
    assert not team.at_bob._unread


async def test_an_answer_to_one_challenge_opens_no_other_connection(team: Team) -> None:
    stolen = team.at_alice.challenge
    async with await RelayClient.connect(team.relay.url) as client:
        await client.greet()
        answer = await client.prove(team.alice, stolen)
        assert refusal(answer) == Refusal.AUTHENTICATION_FAILED


async def test_anothers_card_is_not_opened_by_ones_own_key(team: Team) -> None:
    async with await RelayClient.connect(team.relay.url) as client:
        await client.greet()
        forged = Person("alice@example.org")
        forged.card = team.alice.card
        assert refusal(await client.prove(forged)) == Refusal.AUTHENTICATION_FAILED


async def test_three_wrong_answers_end_the_session(team: Team) -> None:
    async with await RelayClient.connect(team.relay.url) as client:
        await client.greet()
        forged = Person("alice@example.org")
        forged.card = team.alice.card
        for _ in range(3):
            await client.prove(forged)
        assert (await client.expect(f.Closing)).kind == Refusal.AUTHENTICATION_FAILED
        with pytest.raises(ConnectionClosed):
            await client.next()


async def test_guessing_tokens_ends_the_session(tmp_path: Path) -> None:
    async with (
        running_relay(tmp_path, RelaySettings()) as relay,
        await RelayClient.connect(relay.url) as client,
    ):
        await client.greet()
        mallory = Person("mallory@example.org")
        for guess in range(3):
            answer = await client.publish_card(mallory, f"pp_{guess}")
            assert refusal(answer) == Refusal.TOKEN_REFUSED
        assert (await client.expect(f.Closing)).kind == Refusal.TOKEN_REFUSED


async def test_an_identity_cannot_be_taken_over_by_another_card(team: Team) -> None:
    async with await RelayClient.connect(team.relay.url) as client:
        await client.greet()
        answer = await client.publish_card(Person("alice@example.org"))
        assert refusal(answer) == Refusal.IDENTITY_TAKEN


async def test_a_frame_over_the_bound_ends_the_connection(team: Team) -> None:
    client = await RelayClient.connect(team.relay.url)
    await client.socket.send(os.urandom(MAX_FRAME + 1))
    with pytest.raises(ConnectionClosed) as caught:
        await client.next()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == TOO_BIG
    assert isinstance(await team.at_bob.search("alice@example.org"), f.Cards)


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x91" * 5_000, b"\xdf\xff\xff\xff\xff"])
async def test_garbage_before_hello_ends_the_connection_and_nothing_else(
    team: Team, payload: bytes
) -> None:
    client = await RelayClient.connect(team.relay.url)
    await client.socket.send(payload)
    assert refusal(await client.next()) == Refusal.MALFORMED
    await client.close()
    assert isinstance(await team.at_bob.search("alice@example.org"), f.Cards)
