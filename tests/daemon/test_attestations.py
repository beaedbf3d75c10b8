"""What stands behind an identity at the relay is noted with the card, and shown with the contact."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.records import contacts
from peerpost_protocol.frames import Attestation
from tests.support.accounts import RunningAccount, account
from tests.support.relay_server import RunningRelay, running_relay

ALICE, BOB = "alice@example.org", "bob@example.org"


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[RunningRelay]:
    """Be a relay that takes cards without a proof."""
    async with running_relay(tmp_path / "relay") as relay:
        yield relay


async def noted(who: RunningAccount, identity: str) -> list[str | None]:
    found = await who.read(lambda db: contacts.find(db, identity))
    assert found is not None
    return [card.attestation for card in found.cards]


async def test_who_has_proven_nothing_is_shown_as_unverified_until_he_has(
    tmp_path: Path, relay: RunningRelay
) -> None:
    async with (
        account(tmp_path / "a", ALICE, relay.url) as alice,
        account(tmp_path / "b", BOB, relay.url) as bob,
    ):
        await bob.online()
        channel = await alice.channel("ops", BOB)
        await alice.outgoing(await alice.send(channel, "hello"), "delivered")
        await bob.shows(channel, "hello")
        assert await noted(alice, BOB) == ["unverified"]
        assert await noted(bob, ALICE) == ["unverified"]
        card = bob.account.card.id
        proven = Attestation.VERIFIED
        await relay.store.write([lambda t: t.set_attestation(card, proven, None)])
        await alice.engine.directory.search([BOB])
        await alice.engine.directory.note_attestations()
        assert await noted(alice, BOB) == ["verified"]
