"""A card with a long history floods the relay with statements about it, or its identity with first cards.

Each would make the relay's one writer replay the whole history, up to 1,024 entries, while everybody's messages
wait. So the writer remembers what it replayed, a statement costs as much of the card's rate as many messages, and one
for another place is refused before the history is looked at. A first card of an identity that has one needs none of it.
Who is in thousands of channels has the history looked through once, not for each of them.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from peerpost_protocol import frames as f
from peerpost_protocol.history import History
from peerpost_protocol.statement import Endorse, Reason, Revoke
from peerpost_relay import histories, replays
from peerpost_relay.quotas import STATEMENT_WRITES
from peerpost_relay.sqlite_store.transaction import SqliteTransaction
from tests.support.relay_client import Person, RelayClient, position, refusal
from tests.support.relay_server import OPEN, RunningRelay, running_relay
from tests.support.stating import history_of, link, signed, state, submit

SLOW = replace(OPEN, writes_per_second=1, writes_burst=3 * STATEMENT_WRITES)


async def test_statements_use_up_the_cards_rate_soon(tmp_path: Path) -> None:
    mallory = Person("mallory@example.org")
    async with (
        running_relay(tmp_path, SLOW) as relay,
        await RelayClient.register(relay.url, mallory) as client,
    ):
        history = await history_of(client, mallory.card.identity)
        again = signed(mallory, history, mallory, Endorse())
        answers = [refusal(await submit(client, again)) for _ in range(4)]
        assert answers == ["bad_statement"] * 3 + ["too_many_requests"]


async def test_a_statement_for_another_place_is_refused_unreplayed(
    relay: RunningRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    mallory, other = Person("mallory@example.org"), Person("mallory@example.org")
    async with await RelayClient.register(relay.url, mallory) as client:
        history = await history_of(client, mallory.card.identity)
        revoke = Revoke(Reason.LOST)
        assert isinstance(await submit(client, signed(mallory, history, other, revoke)), f.Accepted)
        replayed: list[str] = []
        monkeypatch.setattr(histories, "load", lambda _, identity: replayed.append(identity))
        third = Person("mallory@example.org")
        answer = await submit(client, signed(mallory, history, third, revoke))
        assert (refusal(answer), replayed) == ("history_conflict", [])


async def test_a_history_is_replayed_once_for_all_statements_about_it(
    relay: RunningRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    mallory = Person("mallory@example.org")
    async with await RelayClient.register(relay.url, mallory) as client:
        for _ in range(3):
            other = Person("mallory@example.org")
            answer = await state(client, mallory, other, Revoke(Reason.LOST))
            assert isinstance(answer, f.Accepted)
        monkeypatch.setattr(replays, "apply_entry", None)  # what a replay is made of
        history = await history_of(client, mallory.card.identity)
        again = signed(mallory, history, mallory, Endorse())
        assert [refusal(await submit(client, again)) for _ in range(3)] == ["bad_statement"] * 3


async def test_a_first_card_of_a_taken_identity_replays_nothing(
    relay: RunningRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, mallory = Person("alice@example.org"), Person("alice@example.org")
    async with await RelayClient.register(relay.url, alice):
        monkeypatch.setattr(histories, "load", None)
        async with await RelayClient.connect(relay.url) as client:
            await client.greet()
            assert refusal(await client.publish_card(mallory)) == "identity_taken"


async def test_a_statement_of_one_in_many_channels_looks_through_the_history_once(
    relay: RunningRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    mallory = Person("mallory@example.org")
    async with await RelayClient.register(relay.url, mallory) as client:
        for _ in range(5):
            _, event = mallory.create([])
            position(await client.submit(event))
        looked: list[object] = []
        descendants = History.descendants

        def counted(history: History, anchors: Iterable[bytes]) -> frozenset[bytes]:
            looked.append(anchors)
            return descendants(history, anchors)

        monkeypatch.setattr(History, "descendants", counted)
        monkeypatch.setattr(SqliteTransaction, "roster", None)  # which decodes all members
        _, at_phone = await link(relay.url, client, mallory)
        assert len(looked) == 1
        welcomed = await at_phone.subscribe()
        assert isinstance(welcomed, f.Subscribed)
        assert len(welcomed.states) == 5
        await at_phone.close()
