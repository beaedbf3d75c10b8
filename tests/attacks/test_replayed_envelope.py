"""The relay brings an envelope a second time, as if it had been said again: at a new position of the same channel.

"Restart the server" must not be heard twice. It is shown once, and an event says that it was repeated.
"""

from pathlib import Path

from tests.attacks.scene import scene
from tests.support.taking_down import taken_down


async def test_a_replayed_envelope_is_shown_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        envelope = await taken_down(s.client, s.alice, s.channel, "restart it")
        await s.relay.insert(s.channel, envelope)
        event = await s.bob.told("quarantine", reason="replay")
        assert event["from_card"] == s.alice.card.id.hex()
        await s.bob_survives("restart it")


async def test_an_envelope_replayed_to_its_sender_changes_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        envelope = await taken_down(s.client, s.alice, s.channel, "restart it")
        position = await s.relay.insert(s.channel, envelope)
        again = await s.alice.send(s.channel, "after it")
        row = await s.alice.outgoing(again, "sent")
        assert (row.sequence, row.position) == (2, position + 1)
        await s.bob.shows(s.channel, "restart it", "after it")
