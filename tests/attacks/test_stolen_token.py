"""Mallory publishes a newer card for alice, with a stolen token or at a relay that asks for none.

In the original that was enough to get alice's mail. Here no permission of an operator makes a second card of an
identity count: it is refused, or waits unseen for an endorsement that alice does not give, and alice's own devices
are not kept out.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from peerpost_protocol import frames as f
from peerpost_protocol.limits import MAX_WAITING_CARDS
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.statement import Endorse
from peerpost_relay import tokens
from peerpost_relay.settings import RelaySettings
from tests.support.relay_client import Person, RelayClient, now_ms, position, refusal
from tests.support.relay_server import RunningRelay, running_relay
from tests.support.stating import history_of, signed, state, submit

ALICE = "alice@example.org"
STOLEN = tokens.make_token(os.urandom(32))
CLOSED = RelaySettings(upkeep_seconds=0.02, drain_seconds=5.0, close_seconds=1.0)


@asynccontextmanager
async def attacked(folder: Path) -> AsyncIterator[tuple[RunningRelay, Person, RelayClient]]:
    async with running_relay(folder, CLOSED) as relay:
        digest = tokens.digest_of(STOLEN)
        await relay.store.write([lambda t: t.add_token(digest, "*", now_ms(), None, None)])
        alice = Person(ALICE)
        async with await RelayClient.register(relay.url, alice, STOLEN) as client:
            yield relay, alice, client


async def test_a_first_card_of_a_taken_identity_is_refused(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (relay, alice, _), await RelayClient.connect(relay.url) as it:
        await it.greet()
        assert refusal(await it.publish_card(Person(ALICE), STOLEN)) == Refusal.IDENTITY_TAKEN
        newer = Person(ALICE, endorser=alice.card.id)
        assert refusal(await it.publish_card(newer)) == Refusal.TOKEN_REQUIRED


async def test_a_card_that_names_alices_counts_for_nothing(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (relay, alice, at_alice):
        newer = Person(ALICE, endorser=alice.card.id)
        async with await RelayClient.register(relay.url, newer, STOLEN) as mallory:
            found = await at_alice.search(ALICE)
            assert isinstance(found, f.Cards)
            assert [record.card for record in found.records] == [alice.card.signed]
            history = await history_of(mallory, ALICE)
            statement = signed(newer, history, newer, Endorse())
            assert refusal(await submit(mallory, statement)) == Refusal.NOT_ENDORSED
            create = newer.create([])[1]
            assert refusal(await mallory.submit(create)) == Refusal.BAD_CHANGE
            assert (await history_of(at_alice, ALICE)).live == (alice.card,)


async def test_cards_that_nobody_asked_for_do_not_keep_a_proven_device_out(tmp_path: Path) -> None:
    settings = RelaySettings(allow_unverified=True, drain_seconds=5.0, close_seconds=1.0)
    async with running_relay(tmp_path, settings) as relay:
        digest = tokens.digest_of(STOLEN)
        await relay.store.write([lambda t: t.add_token(digest, "*", now_ms(), None, None)])
        alice = Person(ALICE)
        async with await RelayClient.register(relay.url, alice, STOLEN) as at_alice:
            for _ in range(MAX_WAITING_CARDS):
                unasked = Person(ALICE, endorser=alice.card.id)
                await (await RelayClient.register(relay.url, unasked)).close()
            phone = Person(ALICE, endorser=alice.card.id)
            async with await RelayClient.register(relay.url, phone, STOLEN):
                position(await state(at_alice, alice, phone, Endorse()))


async def test_revoking_the_token_ends_the_sessions_that_rest_on_it(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (relay, alice, at_alice):
        await relay.store.write([lambda t: t.revoke_token(1, now_ms())])
        closing = await at_alice.next()
        assert refusal(closing) == Refusal.TOKEN_REFUSED
        async with await RelayClient.connect(relay.url) as again:
            await again.greet()
            assert refusal(await again.prove(alice)) == Refusal.TOKEN_REFUSED
            other = tokens.make_token(os.urandom(32))
            digest = tokens.digest_of(other)
            await relay.store.write([lambda t: t.add_token(digest, ALICE, now_ms(), None, 1)])
            assert isinstance(await again.publish_card(alice, other), f.Accepted)
            await again.authenticate(alice)


@pytest.mark.parametrize("pattern", ["bob@example.org", "*@example.com"])
async def test_a_token_for_others_permits_nothing(tmp_path: Path, pattern: str) -> None:
    async with running_relay(tmp_path, CLOSED) as relay, await RelayClient.connect(relay.url) as it:
        digest = tokens.digest_of(STOLEN)
        await relay.store.write([lambda t: t.add_token(digest, pattern, now_ms(), None, None)])
        await it.greet()
        assert refusal(await it.publish_card(Person(ALICE), STOLEN)) == Refusal.TOKEN_REFUSED
