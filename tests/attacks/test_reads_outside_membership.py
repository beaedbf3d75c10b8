"""Who was removed wants what came after, who was added wants what came before: by asking, and with a relay's help.

An honest relay does not hand out positions outside a membership. A relay that does hands out ciphertext without a wrap
for that card: the bytes are there, and do not open.
"""

from pathlib import Path

from peerpost_protocol.envelope import parse_envelope, unseal, verify_envelope
from peerpost_protocol.errors import DecryptionError, ProtocolError
from peerpost_protocol.frames import ItemKind, StreamPage
from peerpost_protocol.roster import Ban, Unban
from tests.attacks.scene import CAROL, MALLORY, Scene, scene
from tests.support.malicious_relay import stored
from tests.support.relay_client import Person, RelayClient


async def _envelopes(s: Scene) -> list[bytes]:
    """Return all envelopes of the channel, as a relay that helps hands them out."""
    return [i.body for i in await stored(s.relay, s.channel) if i.kind is ItemKind.ENVELOPE]


def _opens(s: Scene, data: bytes, who: Person) -> bool:
    envelope = verify_envelope(parse_envelope(data), s.alice.card)
    try:
        unseal(envelope, who.card.id, who.keys.encryption_private)
    except (DecryptionError, ProtocolError):
        return False
    return True


async def _read(client: RelayClient, channel: bytes) -> list[bytes]:
    page = await client.read(channel)
    assert isinstance(page, StreamPage), page
    return [item.body for item in page.items if item.kind is ItemKind.ENVELOPE]


async def _alice_says(s: Scene, text: str) -> None:
    await s.alice.outgoing(await s.alice.send(s.channel, text), "sent")


async def test_a_removed_member_neither_fetches_nor_opens_what_comes_after(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await _alice_says(s, "to three")
        await s.alice.engine.channels.remove(s.channel, [MALLORY])
        await _alice_says(s, "to two")
        before, after = await _envelopes(s)
        assert await _read(s.client, s.channel) == [before]
        assert (_opens(s, before, s.mallory), _opens(s, after, s.mallory)) == (True, False)


async def test_a_new_member_neither_fetches_nor_opens_what_came_before(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        carol = Person(CAROL)
        await _alice_says(s, "before carol")
        async with await RelayClient.register(s.relay.url, carol) as client:
            await s.alice.engine.channels.add(s.channel, [CAROL])
            await _alice_says(s, "with carol")
            before, after = await _envelopes(s)
            assert await _read(client, s.channel) == [after]
            assert (_opens(s, before, carol), _opens(s, after, carol)) == (False, True)


async def test_who_was_banned_and_comes_back_misses_what_was_said_between(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.alice.engine.channels.change(s.channel, Ban((MALLORY,)))
        await _alice_says(s, "between")
        await s.alice.engine.channels.change(s.channel, Unban((MALLORY,)))
        await s.alice.engine.channels.add(s.channel, [MALLORY])
        await _alice_says(s, "after")
        between, after = await _envelopes(s)
        assert await _read(s.client, s.channel) == [after]
        assert (_opens(s, between, s.mallory), _opens(s, after, s.mallory)) == (False, True)
