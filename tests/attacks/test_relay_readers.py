"""Somebody asks more than others can be answered beside: reads, greetings, cards, connections.

A card and an address read at a rate; what comes before a proof has one of its address, and a bound for the session; an
address has so many sockets. Each refusal says when to come back. The addresses are those that a proxy names.
"""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace
from websockets.exceptions import ConnectionClosed, InvalidStatus

from peerpost_protocol import frames as f
from peerpost_protocol.card import open_card
from peerpost_protocol.refusals import Refusal
from peerpost_relay.settings import EdgeSettings
from tests.support.relay_client import Person, RelayClient, position
from tests.support.relay_server import OPEN, running_relay

ALICE, MALLORY = Person("alice@example.org"), Person("mallory@example.org")
HERE, THERE = "192.0.2.1", "192.0.2.2"
UNKNOWN = "nobody@example.org"


def told_when(answer: f.RelayFrame) -> None:
    assert isinstance(answer, f.Refused | f.Closing), answer
    assert (answer.kind, answer.come_back) == (Refusal.TOO_MANY_REQUESTS, True)
    assert answer.retry_after_ms


async def test_every_read_has_a_rate(tmp_path: Path) -> None:
    slow = replace(OPEN, reads_per_second=1, reads_burst=1)
    channel = bytes(32)
    async with (
        running_relay(tmp_path, slow) as relay,
        await RelayClient.register(relay.url, MALLORY) as client,
    ):
        assert isinstance(await client.search(UNKNOWN), f.Cards)
        told_when(await client.search(UNKNOWN))
        told_when(await client.ask(f.FetchCards(client.request(), (channel,))))
        told_when(await client.read(channel))
        told_when(await client.read_roster(channel))
        told_when(await client.subscribe())
        told_when(await client.ask(f.ReadBlob(client.request(), channel, channel, 0, 1)))


async def test_a_search_counts_for_each_of_its_identities(tmp_path: Path) -> None:
    slow = replace(OPEN, reads_per_second=1, reads_burst=4)
    async with (
        running_relay(tmp_path, slow) as relay,
        await RelayClient.register(relay.url, MALLORY) as client,
    ):
        await client.search(*(f"{n}@example.org" for n in range(4)))
        told_when(await client.search(UNKNOWN))


async def test_a_subscription_counts_for_each_of_its_channels(tmp_path: Path) -> None:
    slow = replace(OPEN, reads_per_second=1, reads_burst=4)
    async with (
        running_relay(tmp_path, slow) as relay,
        await RelayClient.register(relay.url, MALLORY) as client,
    ):
        for _ in range(4):
            position(await client.submit(MALLORY.create([])[1]))
        assert isinstance(await client.subscribe(), f.Subscribed)
        told_when(await client.search(UNKNOWN))


async def test_cards_of_one_address_share_its_reads_and_others_have_theirs(tmp_path: Path) -> None:
    slow = replace(OPEN, address_reads_per_second=1, address_reads_burst=1)
    async with running_relay(tmp_path, slow) as relay:
        for person in (ALICE, MALLORY):
            await (await RelayClient.register(relay.url, person)).close()
        async with (
            await RelayClient.connect(relay.url, MALLORY, forwarded_for=HERE) as first,
            await RelayClient.connect(relay.url, ALICE, forwarded_for=HERE) as second,
            await RelayClient.connect(relay.url, ALICE, forwarded_for=THERE) as elsewhere,
        ):
            assert isinstance(await first.search(UNKNOWN), f.Cards)
            told_when(await second.search(UNKNOWN))
            assert isinstance(await elsewhere.search(UNKNOWN), f.Cards)


async def test_a_stranger_publishes_a_known_card_a_few_times_only(tmp_path: Path) -> None:
    async with running_relay(tmp_path) as relay:
        await (await RelayClient.register(relay.url, ALICE)).close()
        client = await RelayClient.connect(relay.url)
        await client.greet()
        for _ in range(OPEN.cards_before_proof_max):
            assert isinstance(await client.publish_card(ALICE), f.Accepted)
        await client.send(f.PublishCard(client.request(), ALICE.card.signed, None))
        told_when(await client.expect(f.Closing))
        with pytest.raises(ConnectionClosed):
            await client.next()


async def test_an_address_begins_sessions_at_a_rate(tmp_path: Path) -> None:
    slow = replace(OPEN, greetings_per_second=1, greetings_burst=2)
    async with running_relay(tmp_path, slow) as relay:
        await (await RelayClient.register(relay.url, ALICE)).close()
        async with await RelayClient.connect(relay.url, ALICE, forwarded_for=HERE) as client:
            assert isinstance(await client.search(UNKNOWN), f.Cards)
        late = await RelayClient.connect(relay.url, forwarded_for=HERE)
        await late.send(f.Hello(f.PROTOCOL_VERSION, bytes(32), "test"))
        told_when(await late.expect(f.Closing))
        async with await RelayClient.connect(relay.url, ALICE, forwarded_for=THERE):
            pass


async def test_one_address_does_not_take_every_connection(tmp_path: Path) -> None:
    edge = EdgeSettings(connections_max=4, sockets_per_address_max=2)
    async with running_relay(tmp_path, OPEN, edge) as relay:
        taken = [await RelayClient.connect(relay.url, forwarded_for=HERE) for _ in range(2)]
        with pytest.raises(InvalidStatus) as caught:
            await RelayClient.connect(relay.url, forwarded_for=HERE)
        assert caught.value.response.headers["Retry-After"]
        async with await RelayClient.connect(relay.url, forwarded_for=THERE) as other:
            await other.greet()
        for client in taken:
            await client.close()
        async with asyncio.timeout(10):
            while relay.relay._listener.connections:  # noqa: ASYNC110  nobody is told of sockets
                await asyncio.sleep(0)
        await (await RelayClient.connect(relay.url, forwarded_for=HERE)).close()


async def test_a_roster_event_costs_more_than_an_envelope(tmp_path: Path) -> None:
    slow = replace(OPEN, writes_per_second=1, writes_burst=30)
    async with (
        running_relay(tmp_path, slow) as relay,
        await RelayClient.register(relay.url, MALLORY) as client,
    ):
        roster, event = MALLORY.create([])
        position(await client.submit(event))
        told_when(await client.submit(MALLORY.create([])[1]))
        for _ in range(5):
            position(await client.publish(MALLORY.envelope(roster)))


def test_the_bounds_of_one_address_are_well_below_those_of_all() -> None:
    edge = EdgeSettings()
    assert edge.sockets_per_address_max * 8 <= edge.connections_max
    assert edge.sockets_per_address_max * 8 <= edge.handshakes_max
    assert OPEN.sessions_per_address_max < edge.sockets_per_address_max


async def test_only_a_proxy_of_this_host_speaks_for_other_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peerpost_relay.connection.address_of", lambda _: HERE)
    async with (
        running_relay(tmp_path) as relay,
        await RelayClient.connect(relay.url, forwarded_for=THERE) as client,
    ):
        await client.greet()
        (connection,) = relay.relay._listener.connections
        assert (connection.peer, connection.network) == (HERE, HERE)


async def test_cards_of_strangers_push_no_others_out_of_mind(tmp_path: Path) -> None:
    async with running_relay(tmp_path) as relay:
        open_card.cache_clear()
        await (await RelayClient.register(relay.url, ALICE)).close()
        assert open_card.cache_info().currsize == 0
