"""Somebody who has seen statements of alice's cards submits them again.

An endorsement after the card was revoked, a revocation against another card, an endorsement by a card that was revoked,
a successor that one key alone has signed.

A statement signs its place. The relay refuses each, and so does every reader to whom the relay shows it all the same.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_protocol.errors import HistoryError
from peerpost_protocol.history import CardState
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.statement import Endorse, Reason, Revoke, Succeed
from tests.support.identities import after, begun, device, endorsed, revoked, stated
from tests.support.people import person
from tests.support.relay_client import Person, RelayClient, position, refusal
from tests.support.relay_server import RunningRelay, running_relay
from tests.support.stating import history_of, link, signed, state, submit

LOST = Revoke(Reason.LOST)
ALICE = person("alice")
PHONE = device("alice", "phone", ALICE)


class Household:
    """Be alice with two devices at a relay."""

    def __init__(self, relay: RunningRelay) -> None:
        self.relay = relay
        self.alice = Person("alice@example.org")

    async def move_in(self) -> None:
        self.at_alice = await RelayClient.register(self.relay.url, self.alice)
        self.phone, self.at_phone = await link(self.relay.url, self.at_alice, self.alice)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Household]:
    async with running_relay(tmp_path) as relay:
        made = Household(relay)
        await made.move_in()
        yield made
        await made.at_alice.close()
        await made.at_phone.close()


async def test_a_replayed_endorsement_does_not_bring_a_revoked_card_back(home: Household) -> None:
    history = await history_of(home.at_alice, home.alice.card.identity)
    again = signed(home.alice, history, home.phone, Endorse())
    position(await state(home.at_alice, home.alice, home.phone, LOST))
    assert refusal(await submit(home.at_alice, again)) == Refusal.HISTORY_CONFLICT
    said = await state(home.at_alice, home.alice, home.phone, Endorse())
    assert refusal(said) == Refusal.BAD_STATEMENT
    history = await history_of(home.at_alice, home.alice.card.identity)
    assert history.state(home.phone.card.id) is CardState.REVOKED


async def test_a_replayed_revocation_revokes_nothing_else(home: Household) -> None:
    tablet, at_tablet = await link(home.relay.url, home.at_alice, home.alice)
    history = await history_of(home.at_alice, home.alice.card.identity)
    revocation = signed(home.alice, history, tablet, LOST)
    first = position(await submit(home.at_alice, revocation))
    assert position(await submit(home.at_alice, revocation)) == first
    history = await history_of(home.at_alice, home.alice.card.identity)
    assert history.live == (home.alice.card, home.phone.card)
    await at_tablet.close()


def test_a_reader_refuses_a_replay_that_the_relay_shows() -> None:
    endorsement = stated(begun(ALICE), ALICE, PHONE, Endorse())
    history = revoked(after(begun(ALICE), endorsement), ALICE, PHONE)
    with pytest.raises(HistoryError) as refused:
        after(history, endorsement)
    assert refused.value.kind == "history_conflict"


async def test_another_does_not_bring_alices_statement(home: Household) -> None:
    history = await history_of(home.at_alice, home.alice.card.identity)
    statement = signed(home.alice, history, home.phone, LOST)
    mallory = Person("mallory@example.org")
    async with await RelayClient.register(home.relay.url, mallory) as client:
        assert refusal(await submit(client, statement)) == Refusal.BAD_SIGNATURE


async def test_an_endorsement_by_a_revoked_card_is_refused(home: Household) -> None:
    history = await history_of(home.at_alice, home.alice.card.identity)
    tablet = Person(home.alice.card.identity, endorser=home.alice.card.id)
    at_tablet = await RelayClient.register(home.relay.url, tablet)
    endorsement = signed(home.phone, history, tablet, Endorse())
    position(await state(home.at_alice, home.alice, home.phone, LOST))
    assert refusal(await home.at_phone.next()) == Refusal.CARD_REVOKED  # nothing more is taken
    assert refusal(await submit(home.at_alice, endorsement)) == Refusal.BAD_SIGNATURE
    ended = revoked(endorsed(begun(ALICE), ALICE, PHONE), ALICE, PHONE)
    other = device("alice", "tablet", PHONE)
    with pytest.raises(HistoryError) as refused:
        after(ended, stated(ended, PHONE, other, Endorse()))
    assert refused.value.kind == "card_revoked"
    await at_tablet.close()


async def test_a_successor_that_one_key_alone_has_signed_is_refused(home: Household) -> None:
    new = Person(home.alice.card.identity, predecessor=home.alice.card.id)
    async with await RelayClient.register(home.relay.url, new) as at_new:
        for author, client, claim in (
            (home.phone, home.at_phone, Succeed()),
            (home.phone, home.at_phone, Endorse()),
        ):
            assert refusal(await state(client, author, new, claim)) == Refusal.BAD_STATEMENT
        assert refusal(await state(at_new, new, new, Succeed())) == Refusal.NOT_ENDORSED
    plain = Person(home.alice.card.identity, endorser=home.alice.card.id)
    async with await RelayClient.register(home.relay.url, plain):
        said = await state(home.at_alice, home.alice, plain, Succeed())
        assert refusal(said) == Refusal.BAD_STATEMENT
