"""Somebody who is not in the channel posts to it: past an honest relay, and with a relay that lets it pass.

She knows the channel's id, its roster and everybody's cards, so that her envelope is right in everything but that.
"""

from pathlib import Path

from peerpost_protocol.frames import SubmitRosterEvent
from tests.attacks.scene import scene, sealed_by
from tests.support.relay_client import Person, RelayClient, refusal


async def test_an_envelope_of_a_stranger_is_refused_and_not_shown(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        eve = Person("eve@example.org")
        async with await RelayClient.register(s.relay.url, eve) as client:
            data = sealed_by(eve, s.roster, "let me in", s.alice, s.bob)
            assert refusal(await client.publish(data)) == "unknown_channel"
            await s.relay.insert(s.channel, data)
            event = await s.bob.told("quarantine")
            assert (event["reason"], event["from_card"]) == ("not_a_member", eve.card.id.hex())
            await s.bob_survives()
            assert await s.bob.pinned("eve@example.org") == []


async def test_an_envelope_in_anothers_name_is_refused(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        eve = Person("eve@example.org")
        async with await RelayClient.register(s.relay.url, eve) as client:
            assert refusal(await client.publish(s.forgery())) == "bad_signature"
            event = s.mallory.leave(s.roster)[1]
            answer = await client.ask(SubmitRosterEvent(client.request(), event.signed))
            assert refusal(answer) == "unknown_channel"
