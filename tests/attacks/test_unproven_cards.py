"""The relay names cards of its making for people whom nobody here has met, in items that do not hold.

Who meets an identity by a roster starts from the author's knowledge. If a card were pinned because some envelope or
forged event only names it, the relay could choose the first card of everybody, ahead of every true roster.
"""

from pathlib import Path

from peerpost_daemon.records import contacts
from peerpost_protocol.roster import Add
from tests.attacks.roster_forgery import forged_event
from tests.attacks.scene import CAROL, Scene, scene, sealed_by
from tests.support.relay_client import Person, RelayClient


async def _none_met(s: Scene) -> None:
    await s.bob.told("quarantine")
    await s.bob_survives()
    assert await s.bob.read(lambda db: contacts.find(db, CAROL)) is None


async def test_a_card_named_by_a_strangers_envelope_is_not_pinned(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        fake = Person(CAROL)
        async with await RelayClient.register(s.relay.url, fake):
            await s.relay.insert(s.channel, sealed_by(fake, s.roster, "hello", s.alice, s.bob))
            await _none_met(s)


async def test_a_card_listed_by_a_forged_event_is_not_pinned(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        fake = Person(CAROL)
        async with await RelayClient.register(s.relay.url, fake):
            add = Add((fake.member(),))
            event = forged_event(fake.keys.signing, s.alice.card.id, s.roster, add)
            await s.relay.insert(s.channel, event)
            await _none_met(s)


async def test_a_card_listed_under_anothers_name_is_pinned_for_neither(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        dave = Person("dave@example.org")
        async with await RelayClient.register(s.relay.url, dave):
            listed = dave.member()
            false = type(listed)(CAROL, listed.role, listed.cards)
            key, card = s.alice.account.keys.signing, s.alice.card.id
            await s.relay.insert(s.channel, forged_event(key, card, s.roster, Add((false,))))
            await s.bob.follows(s.channel, 1)
            for identity in (CAROL, "dave@example.org"):
                assert await s.bob.pinned(identity) == []
