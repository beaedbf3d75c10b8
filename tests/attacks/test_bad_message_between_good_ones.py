"""A member puts noise, and every kind of broken item, between two good messages.

In the original one bad message ended the receive loop. Here each stands alone: the good ones before and after arrive,
each bad one is an event, and nothing of it is shown.
"""

from pathlib import Path

import msgspec
import pytest

from peerpost_protocol.frames import ItemKind
from tests.attacks.scene import scene

BROKEN = {
    "one byte": b"\x00",
    "noise": bytes(range(256)),
    "deep nesting": b"\x91" * 5_000,
    "a huge length": b"\xc6\xff\xff\xff\xff",
    "no parts": msgspec.msgpack.encode([]),
    "other types": msgspec.msgpack.encode([1, "two", None, {}]),
    "bytes left over": msgspec.msgpack.encode([b"a", b"b", b"c" * 40, bytes(64)]) + b"\x00",
}


@pytest.mark.parametrize("kind", ItemKind)
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_a_broken_item_stops_nothing(tmp_path: Path, broken: bytes, kind: ItemKind) -> None:
    async with scene(tmp_path) as s:
        await s.alice.send(s.channel, "before it")
        await s.bob.shows(s.channel, "before it")
        await s.relay.insert(s.channel, broken, kind=kind)
        event = await s.bob.told("quarantine")
        assert event["reason"] == "malformed"
        await s.bob_survives("before it")
        assert len(await s.bob.events("quarantine")) == 1
