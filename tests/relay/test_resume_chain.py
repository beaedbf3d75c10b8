"""A sender's chain goes on after what the relay has lost, and nobody else's does."""

from collections.abc import AsyncIterator

import pytest

from peerpost_protocol import frames as f
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.roster import Roster
from tests.support.relay_client import Person, RelayClient, position, refusal
from tests.support.relay_server import RunningRelay

HEAD = b"h" * 32


@pytest.fixture
def alice() -> Person:
    return Person("alice@example.org")


@pytest.fixture
async def client(relay: RunningRelay, alice: Person) -> AsyncIterator[RelayClient]:
    async with await RelayClient.register(relay.url, alice) as made:
        yield made


async def _begun(client: RelayClient, alice: Person) -> Roster:
    roster, event = alice.create([])
    await client.submit(event)
    return roster


async def _resume(client: RelayClient, channel: bytes, sequence: int, head: bytes) -> f.RelayFrame:
    return await client.ask(f.ResumeChain(client.request(), channel, sequence, head))


async def test_the_next_envelope_goes_after_the_resumed_one(
    client: RelayClient, alice: Person
) -> None:
    roster = await _begun(client, alice)
    alice.chains[roster.channel] = (7, HEAD)
    lost = alice.envelope(roster)
    assert refusal(await client.publish(lost)) == Refusal.OUT_OF_SEQUENCE
    assert position(await _resume(client, roster.channel, 7, HEAD)) == 1
    assert position(await client.publish(lost)) == 2


async def test_a_chain_never_goes_back(client: RelayClient, alice: Person) -> None:
    roster = await _begun(client, alice)
    for _ in range(2):
        await client.publish(alice.envelope(roster))
    assert position(await _resume(client, roster.channel, 1, HEAD)) == 3
    assert position(await client.publish(alice.envelope(roster))) == 4


async def test_another_head_at_the_same_sequence_is_refused(
    client: RelayClient, alice: Person
) -> None:
    roster = await _begun(client, alice)
    await client.publish(alice.envelope(roster))
    answer = await _resume(client, roster.channel, 1, HEAD)
    assert refusal(answer) == Refusal.OUT_OF_SEQUENCE


async def test_a_stranger_learns_nothing_of_the_channel(
    relay: RunningRelay, client: RelayClient, alice: Person
) -> None:
    roster = await _begun(client, alice)
    async with await RelayClient.register(relay.url, Person("eve@example.org")) as eve:
        answer = await _resume(eve, roster.channel, 9, HEAD)
    assert refusal(answer) == Refusal.UNKNOWN_CHANNEL
