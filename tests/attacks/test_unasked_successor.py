"""Somebody publishes a successor of alice's card, to come in without a token, and to read more than she could.

The relay takes a successor without a token from its predecessor's own session alone, with what stands behind that one;
it reads nothing before both keys have signed, and then from where its predecessor could.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from peerpost_protocol import frames as f
from peerpost_protocol.frames import Attestation
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.statement import Reason, Revoke, Succeed
from peerpost_relay import tokens
from tests.attacks.test_stolen_token import CLOSED
from tests.support.relay_client import Person, RelayClient, now_ms, position, refusal
from tests.support.relay_server import RunningRelay, running_relay
from tests.support.stating import link, state

ALICE, BOB = "alice@example.org", "bob@example.org"
TOKEN = tokens.make_token(bytes(32))


class Home(Struct):
    """Be alice and bob at a relay that lets nobody in without a token."""

    relay: RunningRelay
    alice: Person
    bob: Person
    at_alice: RelayClient
    at_bob: RelayClient


@asynccontextmanager
async def closed_relay(folder: Path) -> AsyncIterator[Home]:
    async with running_relay(folder, CLOSED) as relay:
        digest = tokens.digest_of(TOKEN)
        await relay.store.write([lambda t: t.add_token(digest, "*", now_ms(), None, None)])
        alice, bob = Person(ALICE), Person(BOB)
        async with (
            await RelayClient.register(relay.url, alice, TOKEN) as at_alice,
            await RelayClient.register(relay.url, bob, TOKEN) as at_bob,
        ):
            yield Home(relay, alice, bob, at_alice, at_bob)


def successor(of: Person, identity: str = ALICE) -> Person:
    return Person(identity, predecessor=of.card.id)


async def positions(client: RelayClient, channel: bytes) -> list[int]:
    page = await client.read(channel)
    assert isinstance(page, f.StreamPage), page
    return [item.position for item in page.items]


async def test_a_successor_that_a_stranger_or_another_member_brings_needs_a_token(
    tmp_path: Path,
) -> None:
    async with closed_relay(tmp_path) as home, await RelayClient.connect(home.relay.url) as it:
        await it.greet()
        for client in (it, home.at_bob):
            said = await client.publish_card(successor(home.alice))
            assert refusal(said) == Refusal.TOKEN_REQUIRED


async def test_alices_session_brings_no_card_of_another_identity(tmp_path: Path) -> None:
    async with closed_relay(tmp_path) as home:
        others = successor(home.alice, "carol@example.org"), successor(home.alice, BOB)
        for other in others:
            assert refusal(await home.at_alice.publish_card(other)) == Refusal.BAD_STATEMENT
        said = await home.at_alice.publish_card(Person("carol@example.org"))
        assert refusal(said) == Refusal.TOKEN_REQUIRED


async def test_a_second_device_brings_no_successor_of_the_first(tmp_path: Path) -> None:
    async with closed_relay(tmp_path) as home:
        _, at_phone = await link(home.relay.url, home.at_alice, home.alice, TOKEN)
        said = await at_phone.publish_card(successor(home.alice))
        assert refusal(said) == Refusal.TOKEN_REQUIRED
        await at_phone.close()


async def test_a_successor_rests_on_its_predecessors_token(tmp_path: Path) -> None:
    async with closed_relay(tmp_path) as home:
        new = successor(home.alice)
        assert isinstance(await home.at_alice.publish_card(new), f.Accepted)
        at_new = await RelayClient.connect(home.relay.url, new)
        position(await state(home.at_alice, home.alice, new, Succeed()))
        await home.relay.store.write([lambda t: t.revoke_token(1, now_ms())])
        while not isinstance(said := await at_new.next(), f.Closing):
            pass
        assert refusal(said) == Refusal.TOKEN_REFUSED
        await at_new.close()


async def test_a_successor_of_a_card_that_was_revoked_is_refused(tmp_path: Path) -> None:
    async with closed_relay(tmp_path) as home:
        phone = Person(ALICE, endorser=home.alice.card.id)
        at_phone = await RelayClient.register(home.relay.url, phone, TOKEN)
        await at_phone.close()
        position(await state(home.at_alice, home.alice, phone, Revoke(Reason.LOST)))
        async with await RelayClient.connect(home.relay.url) as it:
            await it.greet()
            said = await it.publish_card(successor(phone), TOKEN)
            assert refusal(said) == Refusal.BAD_STATEMENT


async def test_a_successor_with_one_signature_reads_no_channel(tmp_path: Path) -> None:
    async with closed_relay(tmp_path) as home:
        roster, event = home.alice.create([home.bob])
        position(await home.at_alice.submit(event))
        new = successor(home.alice)
        assert isinstance(await home.at_alice.publish_card(new), f.Accepted)
        async with await RelayClient.connect(home.relay.url, new) as at_new:
            assert refusal(await at_new.read(roster.channel)) == Refusal.UNKNOWN_CHANNEL
            said = await at_new.publish(new.envelope(roster))
            assert refusal(said) == Refusal.UNKNOWN_CHANNEL


async def test_a_stolen_session_gets_no_card_that_fetches_the_backup(tmp_path: Path) -> None:
    """The successor's card would stay after the session has ended."""
    async with closed_relay(tmp_path) as home:
        proven = Attestation.VERIFIED
        id_ = home.alice.card.id
        await home.relay.store.write([lambda t: t.set_attestation(id_, proven, None)])
        mallory = successor(home.alice)
        assert isinstance(await home.at_alice.publish_card(mallory), f.Accepted)
        async with await RelayClient.connect(home.relay.url, mallory) as it:
            assert refusal(await it.ask(f.FetchBackup(1))) == Refusal.NOT_PROVEN


async def test_a_successor_reads_from_where_its_predecessor_could(tmp_path: Path) -> None:
    async with closed_relay(tmp_path) as home:
        roster, event = home.bob.create([])
        position(await home.at_bob.submit(event))
        position(await home.at_bob.publish(home.bob.envelope(roster)))
        roster, event = home.bob.add(roster, home.alice)
        first = position(await home.at_bob.submit(event))
        last = position(await home.at_bob.publish(home.bob.envelope(roster)))
        new = successor(home.alice)
        assert isinstance(await home.at_alice.publish_card(new), f.Accepted)
        position(await state(home.at_alice, home.alice, new, Succeed()))
        async with await RelayClient.connect(home.relay.url, new) as at_new:
            assert await positions(at_new, roster.channel) == [first, last]


async def test_a_successor_does_not_read_what_its_predecessor_was_removed_from(
    tmp_path: Path,
) -> None:
    async with closed_relay(tmp_path) as home:
        roster, event = home.bob.create([home.alice])
        position(await home.at_bob.submit(event))
        roster, event = home.bob.remove(roster, home.alice)
        position(await home.at_bob.submit(event))
        position(await home.at_bob.publish(home.bob.envelope(roster)))
        new = successor(home.alice)
        assert isinstance(await home.at_alice.publish_card(new), f.Accepted)
        position(await state(home.at_alice, home.alice, new, Succeed()))
        async with await RelayClient.connect(home.relay.url, new) as at_new:
            assert refusal(await at_new.read(roster.channel)) == Refusal.UNKNOWN_CHANNEL


async def test_a_second_devices_successor_reads_from_where_that_device_could(
    tmp_path: Path,
) -> None:
    async with closed_relay(tmp_path) as home:
        roster, event = home.alice.create([home.bob])
        position(await home.at_alice.submit(event))
        position(await home.at_alice.publish(home.alice.envelope(roster)))
        phone, at_phone = await link(home.relay.url, home.at_alice, home.alice, TOKEN)
        later = position(await home.at_alice.publish(home.alice.envelope(roster)))
        new = successor(phone)
        assert isinstance(await at_phone.publish_card(new), f.Accepted)
        position(await state(at_phone, phone, new, Succeed()))
        async with await RelayClient.connect(home.relay.url, new) as at_new:
            assert await positions(at_new, roster.channel) == [later]
        await at_phone.close()
