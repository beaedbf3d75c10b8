"""The relay accepts an envelope and drops it for one reader, or for everybody.

The original answered "created" for what it had dropped. Each sender's envelopes are a chain: the next one shows the
hole, an event names it, and the sender never sees the message delivered.
"""

from pathlib import Path

from tests.attacks.scene import CAROL, scene
from tests.support.malicious_relay import envelopes


async def test_a_dropped_envelope_is_missed_when_the_next_one_comes(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.relay.rewrite(s.bob.card.id, envelopes(lambda _: None))
        dropped = await s.alice.send(s.channel, "do not")
        await s.alice.outgoing(dropped, "sent")
        s.relay.rewrite(s.bob.card.id, envelopes(lambda data: data))
        await s.bob_survives()
        event = await s.bob.told("quarantine")
        assert (event["reason"], event["sequence"]) == ("gap", 2)


async def test_a_dropped_message_is_never_called_delivered(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        carol = await s.join(CAROL)
        both = await s.alice.channel("both", CAROL)
        await carol.follows(both)
        s.relay.rewrite(carol.card.id, envelopes(lambda _: None))
        dropped = await s.alice.send(both, "dropped")
        await s.alice.outgoing(dropped, "sent")
        s.relay.rewrite(carol.card.id, envelopes(lambda data: data))
        kept = await s.alice.send(both, "kept")
        await s.alice.outgoing(kept, "delivered")
        await s.alice.outgoing(dropped, "sent")
