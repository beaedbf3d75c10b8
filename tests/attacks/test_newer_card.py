"""Mallory publishes a newer card for bob, or the relay makes one up, to get bob's mail and to speak in his name.

In the original that was enough. An honest relay refuses a second card of an identity. A malicious one serves it: a
contact that is pinned stays pinned, the change raises contact.changed, nothing is sealed for the new card and nothing
by it is shown, until somebody accepts it.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from peerpost_protocol.frames import Cards, RelayFrame
from peerpost_protocol.roster import Create, Role, apply_event
from peerpost_relay.outcomes import Outcome
from tests.attacks.scene import ALICE, BOB, Scene, scene, sealed_by
from tests.support.relay_client import Person, RelayClient, refusal


def _free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everybody publish a card for every identity, beside its history."""
    monkeypatch.setattr("peerpost_relay.directory.require_free", lambda *_: None)
    monkeypatch.setattr("peerpost_relay.histories.begin", lambda *_: Outcome(bytes(32), 0))


def _swapped(said: Cards, fake: Person) -> Cards:
    records = tuple(replace(record, card=fake.card.signed) for record in said.records)
    return replace(said, records=records)


async def test_an_honest_relay_refuses_a_second_card(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        assert refusal(await s.client.publish_card(Person(BOB))) == "identity_taken"


async def test_a_search_that_answers_with_another_card_changes_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        fake = Person(BOB)

        def say(_ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
            if not isinstance(said, Cards):
                return [said]
            return [_swapped(said, fake)]

        s.relay.say = say
        (found,) = await s.alice.engine.directory.search([BOB])
        assert (found.card.id, found.trust) == (fake.card.id, None)
        message = await s.alice.send(BOB, "for bob")
        assert fake.card.id not in (await s.alice.outgoing(message, "delivered")).recipients
        assert await s.alice.pinned(BOB) == [s.bob.card.id]


async def _fake_bob_writes(s: Scene, fake: Person) -> bytes:
    """Let mallory begin a channel in which the fake card speaks for bob; return its id."""
    async with await RelayClient.register(s.relay.url, fake) as client:
        owner, other = s.mallory.member(Role.OWNER), fake.member()
        alice = s.alice.member()
        create = Create("trap", direct=False, members=(owner, other, alice), nonce=bytes(32))
        event = s.mallory.event(None, create)
        roster = apply_event(None, event)
        await s.client.submit(event)
        await client.publish(sealed_by(fake, roster, "it is me", s.alice, s.mallory))
        return roster.channel


async def test_a_pinned_contacts_other_card_is_an_alarm_and_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(tmp_path) as s:
        _free(monkeypatch)
        fake = Person(BOB)
        trap = await _fake_bob_writes(s, fake)
        event = await s.alice.told("contact.changed")
        assert (event["identity"], event["card"]) == (BOB, fake.card.id.hex())
        assert (await s.alice.told("quarantine"))["reason"] == "untrusted_card"
        assert await s.alice.texts(trap) == []
        message = await s.alice.send(trap, "who is there?")
        row = await s.alice.outgoing(message, "sent")
        assert set(row.recipients) == {s.alice.card.id, s.mallory.card.id}
        await s.bob_survives()


async def test_what_an_accepted_card_said_is_shown_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(tmp_path) as s:
        _free(monkeypatch)
        fake = Person(BOB)
        trap = await _fake_bob_writes(s, fake)
        await s.alice.told("quarantine", reason="untrusted_card")
        await s.alice.accept(BOB, fake.card.id)
        await s.alice.shows(trap, "it is me")


async def test_a_first_search_is_the_relays_opportunity_and_the_roster_exposes_it(
    tmp_path: Path,
) -> None:
    """Show the limit of trust on first use: docs/threat-model.md has a section on it."""
    async with scene(tmp_path) as s:
        carol, fake = await s.join("carol@example.org"), Person(ALICE)
        other = await s.join("dave@example.org")

        def say(ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
            if not isinstance(said, Cards) or ear != carol.card.id:
                return [said]
            return [_swapped(said, fake)]

        s.relay.say = say
        members = await carol.engine.channels._members([ALICE])
        assert members[0].cards == (fake.card.id,)
        s.relay.say = lambda _, said: [said]
        await s.alice.channel("true", carol.identity, other.identity)
        event = await carol.told("contact.changed")
        assert (event["identity"], event["card"]) == (ALICE, s.alice.card.id.hex())
        assert await carol.pinned(ALICE) == [fake.card.id]
