"""A member sends text that would steer the terminal of whoever reads it.

The daemon keeps what was said as it was said; the command line shows the controls as escapes. What it does
with every such character is tests/attacks/test_terminal_escapes.py; here the text takes the whole way.
"""

from pathlib import Path

from peerpost.terminal import printable
from tests.attacks.scene import scene

HOSTILE = "\x1b]0;owned\x07\x1b[2K\u202egpj.exe\r$ "


async def test_controls_arrive_and_are_shown_as_escapes(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.mallory_says(HOSTILE)
        await s.bob.shows(s.channel, HOSTILE)
        (text,) = await s.bob.texts(s.channel)
        assert "\\" in printable(text)
        assert all(character.isprintable() for character in printable(text))
        await s.bob_survives(HOSTILE)
