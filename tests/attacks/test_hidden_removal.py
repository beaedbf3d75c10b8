"""The relay removes mallory for everybody but bob: it withholds the event from him, and goes on with her beside him.

Until somebody who knows better writes, bob cannot tell this from silence. The next envelope of alice names the newer
roster: bob is told that there is one he does not know, and shows nothing sealed under it as if all were well. What bob
himself says under the old roster reaches nobody who knows of the removal.
"""

from pathlib import Path

from peerpost_protocol.frames import Item, ItemKind
from tests.attacks.scene import CAROL, MALLORY, scene
from tests.support.malicious_relay import honest


def _without_events(items: list[Item]) -> list[Item]:
    return [item for item in items if item.kind is not ItemKind.ROSTER_EVENT]


async def test_a_hidden_removal_is_noticed_with_the_next_envelope(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.relay.rewrite(s.bob.card.id, _without_events)
        await s.alice.engine.channels.remove(s.channel, [MALLORY])
        await s.alice.send(s.channel, "without mallory")
        event = await s.bob.told("quarantine")
        assert (event["reason"], event["from_card"]) == ("unknown_roster", s.alice.card.id.hex())
        assert await s.bob.texts(s.channel) == []


async def test_what_is_said_under_the_old_roster_is_stale_for_the_others(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.relay.rewrite(s.bob.card.id, _without_events)
        await s.alice.engine.channels.remove(s.channel, [MALLORY])
        await s.relay.insert(s.channel, s.forgery("to bob alone"))
        event = await s.alice.told("quarantine")
        assert event["reason"] == "stale_roster"
        assert await s.alice.texts(s.channel) == []


async def test_the_next_event_does_not_continue_what_is_known(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        carol = await s.join(CAROL)
        s.relay.rewrite(s.bob.card.id, _without_events)
        await s.alice.engine.channels.remove(s.channel, [MALLORY])
        s.relay.say = honest
        await s.alice.engine.channels.add(s.channel, [carol.identity])
        await s.bob.told("quarantine", reason="bad_roster_event")
