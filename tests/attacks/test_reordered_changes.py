"""The relay shows members the events of two admins in different orders, or one of them to some alone.

Only one event fits each place. Whoever is shown the later one first reads the roster's log and ends with the same
roster as everybody; whoever is shown another one for a place that is taken refuses it.
"""

from pathlib import Path

from peerpost_protocol.frames import Item, ItemKind
from peerpost_protocol.roster import Rename, Role, SetRole, SetTopic
from tests.attacks.roster_forgery import forged_event
from tests.attacks.scene import MALLORY, Scene, scene


async def _with_two_admins(s: Scene) -> None:
    await s.alice.engine.channels.change(s.channel, SetRole(MALLORY, Role.ADMIN))
    s.roster = await s.bob.follows(s.channel, 1)


async def test_another_order_ends_in_the_same_roster(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await _with_two_admins(s)
        held: list[Item] = []

        def withheld(items: list[Item]) -> list[Item]:
            events = [item for item in items if item.kind is ItemKind.ROSTER_EVENT]
            held.extend(events)
            return [item for item in items if item not in events]

        s.relay.rewrite(s.bob.card.id, withheld)
        await s.alice.engine.channels.change(s.channel, Rename("night"))
        s.relay.say = lambda _ear, said: [said]
        await s.alice.engine.channels.change(s.channel, SetTopic("what runs at night"))
        roster = await s.alice.follows(s.channel, 3)
        assert await s.bob.follows(s.channel, 3) == roster
        assert (await s.bob.told("quarantine"))["reason"] == "bad_roster_event"
        await s.bob_survives()


async def test_a_second_event_for_a_place_is_refused_by_all(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await _with_two_admins(s)
        await s.alice.engine.channels.change(s.channel, Rename("alice's"))
        late = forged_event(
            s.mallory.keys.signing, s.mallory.card.id, s.roster, Rename("mallory's")
        )
        await s.relay.insert(s.channel, late)
        for reader in (s.alice, s.bob):
            assert (await reader.told("quarantine"))["reason"] == "bad_roster_event"
            assert (await reader.follows(s.channel, 2)).name == "alice's"
        await s.bob_survives()
