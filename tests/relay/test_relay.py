"""The relay as clients meet it: real sockets, real frames, real keys."""

import asyncio
import os
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from peerpost_protocol import frames as f
from peerpost_protocol.handshake import Challenge, verify_challenge
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.roster import parse_event
from peerpost_relay.peer import Peer
from peerpost_relay.settings import RelaySettings
from tests.support.operating import revoking
from tests.support.relay_client import Person, RelayClient, position, refusal
from tests.support.relay_server import OPEN, RunningRelay, running_relay


@pytest.fixture
def alice() -> Person:
    return Person("alice@example.org")


@pytest.fixture
def bob() -> Person:
    return Person("bob@example.org")


async def test_the_relay_signs_the_challenge_and_welcomes_a_proven_card(
    relay: RunningRelay, alice: Person
) -> None:
    async with await RelayClient.connect(relay.url) as client:
        nonce = os.urandom(32)
        await client.send(f.Hello(1, nonce, "test"))
        answer = await client.expect(f.ChallengeFrame)
        client.challenge = challenge_of(answer, nonce)
        verify_challenge(client.challenge, answer.signature)
        assert answer.relay == relay.relay.key.public
        await client.publish_card(alice)
        welcome = await client.authenticate(alice)
        assert (welcome.card, welcome.epoch) == (alice.card.id, relay.store.epoch)


def challenge_of(answer: f.ChallengeFrame, nonce: bytes) -> Challenge:
    return Challenge(answer.relay, nonce, answer.relay_nonce, answer.at_ms)


async def test_a_message_reaches_a_member_and_its_sender_live(
    relay: RunningRelay, alice: Person, bob: Person
) -> None:
    async with (
        await RelayClient.register(relay.url, alice) as at_alice,
        await RelayClient.register(relay.url, bob) as at_bob,
    ):
        roster, event = alice.create([bob])
        await at_alice.submit(event)
        await at_alice.subscribe()
        await at_bob.subscribe()
        data = alice.envelope(roster, to=[bob])
        assert position(await at_alice.publish(data)) == 2
        for client in (at_alice, at_bob):
            first, second = await client.items(roster.channel, 2)
            assert f.decode_signed(first.body) == event.signed
            assert (second.position, second.body) == (2, data)


async def test_being_added_announces_the_channel_then_delivers_from_there(
    relay: RunningRelay, alice: Person, bob: Person
) -> None:
    async with (
        await RelayClient.register(relay.url, alice) as at_alice,
        await RelayClient.register(relay.url, bob) as at_bob,
    ):
        await at_bob.subscribe()
        roster, event = alice.create([])
        await at_alice.submit(event)
        await at_alice.publish(alice.envelope(roster))
        _, event = alice.add(roster, bob)
        await at_alice.submit(event)
        joined = await at_bob.expect(f.Joined)
        assert (joined.state.channel, joined.state.first) == (roster.channel, 3)
        assert [item.position for item in await at_bob.items(roster.channel, 1)] == [3]


async def test_a_removed_member_gets_the_removal_last(
    relay: RunningRelay, alice: Person, bob: Person
) -> None:
    async with (
        await RelayClient.register(relay.url, alice) as at_alice,
        await RelayClient.register(relay.url, bob) as at_bob,
    ):
        roster, event = alice.create([bob])
        await at_alice.submit(event)
        await at_bob.subscribe()
        roster, event = alice.remove(roster, bob)
        await at_alice.submit(event)
        await at_alice.publish(alice.envelope(roster))
        items = await at_bob.items(roster.channel, 2)
        assert f.decode_signed(items[-1].body) == event.signed
        page = await at_bob.read(roster.channel)
        assert isinstance(page, f.StreamPage)
        assert (len(page.items), page.last) == (2, 2)


async def test_a_reader_resumes_after_its_cursor(relay: RunningRelay, alice: Person) -> None:
    async with await RelayClient.register(relay.url, alice) as client:
        roster, event = alice.create([])
        await client.submit(event)
        for _ in range(5):
            await client.publish(alice.envelope(roster))
        answer = await client.subscribe(f.Cursor(roster.channel, 4, 0), everything=False)
        assert isinstance(answer, f.Subscribed)
        assert answer.states[0].own_sequence == 5
        assert [item.position for item in await client.items(roster.channel, 2)] == [5, 6]


async def test_a_cursor_beyond_the_end_is_taken_as_the_end(
    relay: RunningRelay, alice: Person
) -> None:
    async with await RelayClient.register(relay.url, alice) as client:
        roster, event = alice.create([])
        await client.submit(event)
        answer = await client.subscribe(f.Cursor(roster.channel, 900, 900))
        assert isinstance(answer, f.Subscribed)
        assert answer.states[0].last == 1
        await client.publish(alice.envelope(roster))
        assert [item.position for item in await client.items(roster.channel, 1)] == [2]


async def test_receipts_come_after_the_subscription_and_then_live(
    relay: RunningRelay, alice: Person, bob: Person
) -> None:
    async with (
        await RelayClient.register(relay.url, alice) as at_alice,
        await RelayClient.register(relay.url, bob) as at_bob,
    ):
        roster, event = alice.create([bob])
        await at_alice.submit(event)
        first, second = bob.receipt(roster.channel, 1), bob.receipt(roster.channel, 2)
        assert position(await at_bob.post_receipt(first)) == 1
        answer = await at_alice.subscribe(f.Cursor(roster.channel, 1, 0))
        assert isinstance(answer, f.Subscribed)
        assert answer.states[0].receipts == 1
        assert (await at_alice.expect(f.ReceiptNotice)).receipt == first
        own = await at_bob.subscribe(f.Cursor(roster.channel, 1, 0))
        assert isinstance(own, f.Subscribed)
        assert own.states[0].receipts == 0
        await at_bob.post_receipt(second)
        notice = await at_alice.expect(f.ReceiptNotice)
        assert (notice.revision, notice.receipt) == (2, second)


async def test_a_member_reads_the_whole_roster(
    relay: RunningRelay, alice: Person, bob: Person
) -> None:
    async with (
        await RelayClient.register(relay.url, alice) as at_alice,
        await RelayClient.register(relay.url, bob) as at_bob,
    ):
        roster, create = alice.create([])
        _, add = alice.add(roster, bob)
        await at_alice.submit(create)
        await at_alice.submit(add)
        page = await at_bob.read_roster(roster.channel)
        assert isinstance(page, f.RosterPage)
        assert [parse_event(event).id for event in page.events] == [create.id, add.id]
        assert not page.more


async def test_a_malformed_request_is_refused_by_its_number_and_the_session_goes_on(
    relay: RunningRelay, alice: Person
) -> None:
    async with await RelayClient.register(relay.url, alice) as client:
        await client.socket.send(b"\x93\xacread_channel\x07\x00")
        answer = await client.expect(f.Refused)
        assert (answer.request, answer.kind) == (7, Refusal.MALFORMED)
        assert isinstance(await client.search("bob@example.org"), f.Cards)


async def test_a_bad_message_between_two_good_ones_stops_neither(
    relay: RunningRelay, alice: Person
) -> None:
    async with await RelayClient.register(relay.url, alice) as client:
        roster, event = alice.create([])
        await client.submit(event)
        first, last = alice.envelope(roster), alice.envelope(roster)
        for number, data in enumerate((first, first[:-1] + b"!", last)):
            await client.send(f.Publish(100 + number, data))
        answers = {getattr(a, "request", 0): a for a in [await client.next() for _ in range(3)]}
        assert (position(answers[100]), position(answers[102])) == (2, 3)
        assert refusal(answers[101]) == Refusal.BAD_SIGNATURE


async def test_whoever_does_not_authenticate_in_time_is_sent_away(tmp_path: Path) -> None:
    settings = RelaySettings(authentication_seconds=0.05)
    async with running_relay(tmp_path, settings) as relay:
        client = await RelayClient.connect(relay.url)
        assert refusal(await client.next()) == Refusal.IDLE
        with pytest.raises(ConnectionClosed):
            await client.next()


async def test_requests_beyond_the_bound_wait_and_are_all_answered(
    tmp_path: Path, alice: Person
) -> None:
    settings = RelaySettings(allow_unverified=True, requests_in_flight_max=4, inbox_frames_max=2)
    async with (
        running_relay(tmp_path, settings) as relay,
        await RelayClient.register(relay.url, alice) as client,
    ):
        for number in range(1_000, 1_100):
            await client.send(f.SearchCards(number, ("bob@example.org",)))
        answers = [await client.expect(f.Cards) for _ in range(100)]
        assert [answer.request for answer in answers] == list(range(1_000, 1_100))


async def test_a_revoked_card_is_sent_away(tmp_path: Path, alice: Person) -> None:
    settings = RelaySettings(allow_unverified=True, upkeep_seconds=0.02)
    async with running_relay(tmp_path, settings) as relay:
        client = await RelayClient.register(relay.url, alice)
        now_ms = alice.card.body.created_at_ms + 1_000
        await relay.store.write([revoking(alice.card, now_ms, relay.relay.key)])
        assert refusal(await client.next()) == Refusal.CARD_REVOKED


async def test_a_closing_relay_answers_what_is_under_way_and_says_when_to_come_back(
    tmp_path: Path, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_relay(tmp_path) as relay:
        client = await RelayClient.register(relay.url, alice)
        roster, event = alice.create([])
        await client.submit(event)
        arrived = asyncio.Event()
        take = relay.relay._ingest.take

        def noticed(peer: Peer, payload: bytes) -> None:
            take(peer, payload)
            arrived.set()

        monkeypatch.setattr(relay.relay._ingest, "take", noticed)
        await client.send(f.Publish(50, alice.envelope(roster)))
        await arrived.wait()
    assert isinstance(await client.next(), f.Accepted)
    closing = await client.expect(f.Closing)
    assert (closing.kind, closing.come_back) == (Refusal.SHUTTING_DOWN, True)
    assert closing.retry_after_ms is not None
    await client.close()


async def test_what_was_accepted_is_there_after_a_restart(tmp_path: Path, alice: Person) -> None:
    async with (
        running_relay(tmp_path) as relay,
        await RelayClient.register(relay.url, alice) as client,
    ):
        roster, event = alice.create([])
        await client.submit(event)
        await client.publish(alice.envelope(roster))
    async with (
        running_relay(tmp_path, OPEN) as relay,
        await RelayClient.connect(relay.url, alice) as client,
    ):
        page = await client.read(roster.channel)
        assert isinstance(page, f.StreamPage)
        assert [item.position for item in page.items] == [1, 2]
        assert position(await client.publish(alice.envelope(roster))) == 3


async def test_a_full_disk_is_said_to_the_client_and_to_health(
    relay: RunningRelay, alice: Person
) -> None:
    async with await RelayClient.register(relay.url, alice) as client:
        roster, event = alice.create([])
        await client.submit(event)
        run = relay.store._writer.run
        (pages,) = await run(lambda db: db.execute("PRAGMA page_count").fetchone())
        await run(lambda db: db.execute(f"PRAGMA max_page_count={pages}").fetchone())
        data = alice.envelope(roster, "x" * 200_000)
        answer = await client.publish(data)
        assert isinstance(answer, f.Refused)
        assert (answer.kind, answer.come_back) == (Refusal.STORAGE_FULL, True)
        well, body = relay.relay.health()
        assert (well, body["database"]) == (False, Refusal.STORAGE_FULL)
        await run(lambda db: db.execute("PRAGMA max_page_count=1000000").fetchone())
        assert position(await client.publish(data)) == 2
        assert relay.relay.health()[0]
