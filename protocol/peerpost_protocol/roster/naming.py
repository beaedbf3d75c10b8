"""What may stand in a name or a topic: text that shows what it is.

The list is fixed and does not follow Unicode's tables: members of different builds must agree on every event.
"""

from typing import Final

from peerpost_protocol.errors import RosterError

HIDDEN: Final = (
    (0x0000, 0x001F),  # controls
    (0x007F, 0x009F),  # delete and further controls
    (0x00AD, 0x00AD),  # soft hyphen
    (0x061C, 0x061C),  # Arabic letter mark
    (0x180E, 0x180E),  # Mongolian vowel separator
    (0x200B, 0x200F),  # widthless spaces and joiners, marks of direction
    (0x2028, 0x202E),  # line and paragraph separators, embeddings and overrides of direction
    (0x2060, 0x206F),  # widthless and deprecated format characters
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFF9, 0xFFFB),  # annotations
    (0xE0000, 0xE0FFF),  # tags
)
"""Ranges of code points, both ends included, that nobody sees and that change how others are seen."""


def hides(text: str) -> bool:
    """Say whether a text holds a character that nobody sees."""
    return any(low <= ord(letter) <= high for letter in text for low, high in HIDDEN)


def require_shown(text: str, what: str) -> None:
    """Raise RosterError bad_change for a text with hidden characters, or with spaces around it."""
    if hides(text) or text != text.strip(" "):
        raise RosterError("bad_change", f"{what} holds what nobody sees")
