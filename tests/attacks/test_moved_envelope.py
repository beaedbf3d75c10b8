"""The relay moves an envelope into another channel of the same people.

"Yes, delete it" said about one thing must not be an answer about another. The header names its channel and is signed;
it is not shown in the other one, and an event says where it came.
"""

from pathlib import Path

from tests.attacks.scene import BOB, MALLORY, scene
from tests.support.taking_down import taken_down


async def test_an_envelope_is_shown_in_its_own_channel_only(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        other = await s.alice.channel("other", BOB, MALLORY)
        await s.bob.follows(other)
        envelope = await taken_down(s.client, s.alice, other, "delete it")
        await s.relay.insert(s.channel, envelope)
        event = await s.bob.told("quarantine")
        assert (event["reason"], event["channel"]) == ("wrong_channel", s.channel.hex())
        await s.bob_survives()
        assert await s.bob.texts(other) == ["delete it"]
