"""The relay says that its store is another one, to make a client read everything again and show it again.

The client begins at the first position, as it must when the store is really new, says so by an event, and recognises
every envelope it holds: nothing is shown twice, and what comes later is shown.
"""

from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from peerpost_protocol.frames import RelayFrame, Welcome
from tests.attacks.scene import MALLORY, scene


async def test_another_epoch_shows_nothing_twice(tmp_path: Path) -> None:
    def say(_ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
        return [replace(said, epoch=b"another epoch...") if isinstance(said, Welcome) else said]

    async with scene(tmp_path) as s:
        await s.mallory_says("one")
        await s.bob.shows(s.channel, "one")
        s.relay.say = say
        s.bob.engine._link.reconnect()
        await s.bob.told("daemon", change="relay_store_changed")
        await s.bob_survives("one")
        row = await s.alice.outgoing(await s.alice.send(s.channel, "two"), "sent")
        assert row.sequence == 2


async def test_what_was_sealed_under_older_rosters_is_known_again(tmp_path: Path) -> None:
    def say(_ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
        return [replace(said, epoch=b"another epoch...") if isinstance(said, Welcome) else said]

    async with scene(tmp_path) as s:
        for text in ("one", "two"):
            await s.mallory_says(text)
        await s.bob.shows(s.channel, "one", "two")
        await s.alice.engine.channels.remove(s.channel, [MALLORY])
        await s.bob.follows(s.channel, 1)
        s.relay.say = say
        s.bob.engine._link.reconnect()
        await s.bob.told("daemon", change="relay_store_changed")
        await s.bob_survives("one", "two")
        assert await s.bob.reasons() == []
