"""The relay strips the signature of an envelope: zeros in its place, or nothing at all.

The original took a missing signature for a passing one. Here neither is shown, and an event names the reason.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.attacks.scene import scene
from tests.support.forgery import parts_of, repacked
from tests.support.malicious_relay import envelopes


def _zeros(data: bytes) -> bytes:
    return repacked(data, signature=bytes(64))


def _absent(data: bytes) -> bytes:
    parts = parts_of(data)
    return msgspec.msgpack.encode([parts.header, parts.wraps, parts.ciphertext])


def _empty(data: bytes) -> bytes:
    parts = parts_of(data)
    return msgspec.msgpack.encode([parts.header, parts.wraps, parts.ciphertext, b""])


@pytest.mark.parametrize(
    ("strip", "reason"),
    [(_zeros, "bad_signature"), (_absent, "malformed"), (_empty, "malformed")],
)
async def test_an_envelope_without_its_signature_is_not_shown(
    tmp_path: Path, strip: Callable[[bytes], bytes], reason: str
) -> None:
    async with scene(tmp_path) as s:
        s.relay.rewrite(s.bob.card.id, envelopes(strip))
        await s.alice.send(s.channel, "pay 10")
        assert (await s.bob.told("quarantine"))["reason"] == reason
        s.relay.rewrite(s.bob.card.id, envelopes(lambda data: data))
        await s.bob_survives()
