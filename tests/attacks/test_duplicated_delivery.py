"""The relay delivers everything twice, and stores one envelope twice in a row.

The same position again is what an honest relay does after a broken connection, and is passed over in silence. The same
envelope at another position is a replay, and is told.
"""

from pathlib import Path

from peerpost_protocol.frames import Item
from tests.attacks.scene import scene


async def test_what_is_delivered_twice_is_shown_once(tmp_path: Path) -> None:
    def twice(items: list[Item]) -> list[Item]:
        return [item for item in items for _ in range(2)]

    async with scene(tmp_path) as s:
        s.relay.rewrite(s.bob.card.id, twice)
        await s.alice.send(s.channel, "one")
        await s.bob.shows(s.channel, "one")
        await s.bob_survives("one")
