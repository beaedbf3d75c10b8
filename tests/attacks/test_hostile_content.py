"""A member seals contents outside the format, or of kinds that this daemon does not show.

Nothing of them is shown, the parser's errors become events, and no memory is spent on what a length only claims.
"""

import struct
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from peerpost_protocol.content import Content
from peerpost_protocol.frames import Accepted
from tests.attacks.scene import scene
from tests.support.forgery import forged

Hostile = Callable[[Content], object]


def _with_body(*body: object) -> Hostile:
    return lambda c: msgspec.msgpack.encode(
        [c.sender, c.channel, c.sequence, None, None, body, None]
    )


HOSTILE: dict[str, tuple[Hostile, str]] = {
    "an unknown kind": (_with_body("script", "rm -rf"), "unsupported_content"),
    "a kind with an escape": (_with_body("\x1b[2J", "rm -rf"), "malformed"),
    "a media type with a line": (_with_body("data", "text/plain\nX: y", b""), "malformed"),
    "a media type with a path": (_with_body("data", "../../etc", b""), "malformed"),
    "a text that is no text": (_with_body("text", b"\xff\xfe"), "malformed"),
    "a text that is no UTF-8": (
        lambda c: msgspec.msgpack.encode(
            [c.sender, c.channel, c.sequence, None, None, ["text", "ab"], None]
        ).replace(b"\xa2ab", b"\xa2\xff\xfe"),
        "malformed",
    ),
    "a text over its bound": (_with_body("text", "a" * 131_073), "malformed"),
    "a claimed length": (lambda _: b"\x97" + struct.pack(">BI", 0xC6, 2**32 - 1), "malformed"),
    "deep nesting": (lambda _: b"\x91" * 100_000, "malformed"),
    "fields left over": (
        lambda c: msgspec.msgpack.encode(
            [c.sender, c.channel, c.sequence, None, None, ["text", "a"], None, "more"]
        ),
        "malformed",
    ),
}


@pytest.mark.parametrize(("content", "reason"), HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_content_is_an_event(tmp_path: Path, content: Hostile, reason: str) -> None:
    async with scene(tmp_path) as s:
        to, place = (s.alice.card, s.bob.card), s.mallory.place(s.roster)
        data = forged(s.mallory.keys, s.mallory.card, to, place, content=content)
        assert isinstance(await s.client.publish(data), Accepted)
        event = await s.bob.told("quarantine")
        assert (event["reason"], event["from_card"]) == (reason, s.mallory.card.id.hex())
        await s.bob_survives()
