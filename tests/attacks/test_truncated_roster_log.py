"""The relay gives a late joiner a roster log with its end cut off, or another channel's, to hide who is in.

The event that adds her does not continue what she was given: she is told, and shows nothing of the channel rather than
something of a membership that the relay chose. When the relay is honest again, the next session puts it right.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from peerpost_protocol.frames import RelayFrame, RosterPage
from tests.attacks.scene import CAROL, MALLORY, scene
from tests.support.malicious_relay import honest

Trim = Callable[[RosterPage], RosterPage]
TRIMS: dict[str, Trim] = {
    "the end cut off": lambda page: replace(page, events=page.events[:1]),
    "the beginning cut off": lambda page: replace(page, events=page.events[1:]),
    "nothing": lambda page: replace(page, events=(), more=False),
    "one event twice": lambda page: replace(page, events=(page.events[0], *page.events)),
}


@pytest.mark.parametrize("trim", TRIMS.values(), ids=TRIMS)
async def test_a_roster_that_is_not_whole_is_not_believed(tmp_path: Path, trim: Trim) -> None:
    def say(_ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
        return [trim(said) if isinstance(said, RosterPage) else said]

    async with scene(tmp_path) as s:
        carol = await s.join(CAROL)
        await s.alice.engine.channels.remove(s.channel, [MALLORY])
        s.relay.say = say
        await s.alice.engine.channels.add(s.channel, [CAROL])
        await s.alice.send(s.channel, "welcome")
        await carol.told("quarantine", reason="bad_roster_event")
        await carol.told("quarantine", reason="unknown_roster")
        assert await carol.texts(s.channel) == []
        s.relay.say = honest
        carol.engine._link.reconnect()
        await carol.follows(s.channel, 2)
        await carol.shows(s.channel, "welcome")
