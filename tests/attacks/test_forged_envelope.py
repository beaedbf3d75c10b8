"""The relay changes an envelope on its way: a bit of its header, wraps, ciphertext or signature.

The original showed the text with a warning. Here: nothing of it is shown, a quarantine event says what does not fit and
who the header names, the next envelope arrives, and an event says that one is missing before it.
"""

from pathlib import Path

import pytest

from tests.attacks.scene import scene
from tests.support.forgery import flipped, parts_of, repacked
from tests.support.malicious_relay import envelopes

REASONS = {
    "header": "bad_signature",
    "wraps": "bad_wraps",
    "ciphertext": "bad_signature",
    "signature": "bad_signature",
}


@pytest.mark.parametrize("part", REASONS)
async def test_a_changed_envelope_is_not_shown(tmp_path: Path, part: str) -> None:
    def change(data: bytes) -> bytes:
        return repacked(data, **{part: flipped(getattr(parts_of(data), part))})

    async with scene(tmp_path) as s:
        s.relay.rewrite(s.bob.card.id, envelopes(change))
        await s.alice.send(s.channel, "pay 10")
        event = await s.bob.told("quarantine")
        assert event["reason"] == REASONS[part]
        assert event["channel"] == s.channel.hex()
        assert event["from_card"] == s.alice.card.id.hex()
        s.relay.rewrite(s.bob.card.id, envelopes(lambda data: data))
        await s.bob_survives()
        assert (await s.bob.reasons()) == [REASONS[part], "gap"]
