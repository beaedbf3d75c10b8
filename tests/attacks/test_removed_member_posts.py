"""A removed member goes on posting, and a colluding relay goes on accepting.

Whatever she seals under the roster she was in is stale at its place in the stream, and under the new one she is no
member. Nothing of it is shown, and nothing said after the removal is wrapped for her card.
"""

from pathlib import Path

from peerpost_protocol.envelope import parse_envelope, recipients_of, verify_envelope
from peerpost_protocol.frames import ItemKind
from tests.attacks.scene import MALLORY, Scene, scene
from tests.support.malicious_relay import stored
from tests.support.relay_client import refusal


async def _removed(s: Scene) -> None:
    await s.alice.engine.channels.remove(s.channel, [MALLORY])
    await s.bob.follows(s.channel, 1)


async def test_an_envelope_under_the_old_roster_is_stale(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await _removed(s)
        late = s.forgery("still here")
        assert refusal(await s.client.publish(late)) == "not_a_member"
        await s.relay.insert(s.channel, late)
        event = await s.bob.told("quarantine")
        assert (event["reason"], event["from_card"]) == ("stale_roster", s.mallory.card.id.hex())
        await s.bob_survives()


async def test_an_envelope_under_the_new_roster_is_no_members(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await _removed(s)
        s.roster = await s.bob.follows(s.channel, 1)
        await s.relay.insert(s.channel, s.forgery("still here"))
        assert (await s.bob.told("quarantine"))["reason"] == "not_a_member"
        await s.bob_survives()


async def test_nothing_after_the_removal_is_wrapped_for_her(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await _removed(s)
        await s.alice.send(s.channel, "without mallory")
        await s.bob.shows(s.channel, "without mallory")
        item = (await stored(s.relay, s.channel))[-1]
        assert item.kind is ItemKind.ENVELOPE
        envelope = verify_envelope(parse_envelope(item.body), s.alice.card)
        assert set(recipients_of(envelope)) == {s.alice.card.id, s.bob.card.id}
        assert refusal(await s.client.publish(s.forgery())) == "not_a_member"
