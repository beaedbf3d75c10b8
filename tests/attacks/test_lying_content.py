"""A member's content says something else than her header: another sender, channel or sequence, or other padding.

Whoever forwards a decrypted content, or shows "from" out of it, must not be fooled: what does not fit is not shown.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from peerpost_protocol.content import Content
from peerpost_protocol.frames import Accepted
from peerpost_protocol.padding import pad
from peerpost_protocol.wire import WireStruct
from tests.attacks.scene import Scene, scene
from tests.support.forgery import forged


class Poem(WireStruct, frozen=True, tag="poem"):
    """Be a kind of content that this version does not know."""

    text: str


Lie = Callable[[Scene, Content], Content]
LIES: dict[str, Lie] = {
    "sender": lambda s, content: replace(content, sender=s.alice.card.id),
    "channel": lambda _, content: replace(content, channel=bytes(32)),
    "sequence": lambda _, content: replace(content, sequence=content.sequence + 1),
    "sender, in an unknown kind": lambda s, content: replace(
        content, sender=s.alice.card.id, body=Poem("")
    ),
}
PADDINGS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda data: data,
    "without an end": lambda data: data.ljust(256, b"\x00"),
    "longer than needed": lambda data: pad(data) + bytes(256),
    "another end": lambda data: (data + b"\x81").ljust(256, b"\x00"),
    "nothing but zeros": lambda _: bytes(256),
}


async def _says(s: Scene, data: bytes, reason: str) -> None:
    assert isinstance(await s.client.publish(data), Accepted)
    event = await s.bob.told("quarantine")
    assert (event["reason"], event["from_card"]) == (reason, s.mallory.card.id.hex())
    await s.bob_survives()


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
async def test_a_content_for_another_place_is_not_shown(tmp_path: Path, lie: Lie) -> None:
    async with scene(tmp_path) as s:
        to = (s.alice.card, s.bob.card)
        place = s.mallory.place(s.roster)
        data = forged(
            s.mallory.keys, s.mallory.card, to, place, content=lambda content: lie(s, content)
        )
        await _says(s, data, "wrong_place")


@pytest.mark.parametrize("padded", PADDINGS.values(), ids=PADDINGS)
async def test_a_content_with_other_padding_is_not_shown(
    tmp_path: Path, padded: Callable[[bytes], bytes]
) -> None:
    async with scene(tmp_path) as s:
        to, place = (s.alice.card, s.bob.card), s.mallory.place(s.roster)
        data = forged(s.mallory.keys, s.mallory.card, to, place, padded=padded)
        await _says(s, data, "bad_padding")
