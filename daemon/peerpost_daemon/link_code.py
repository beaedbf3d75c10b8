"""Link codes: what the owner of two devices carries from the new one to the old one.

Attacker: the relay, which shows the old device another card than the new one's. The code is made of the new card's id
by the same slow construction as safety numbers, so a card of the relay's making has another code: to find one with
the same 20 digits costs about 2^66 tries of 5200 hashes. The QR code carries the whole id.
"""

import re
from typing import Final

from peerpost_daemon.safety_number import fingerprint_digits

PREFIX: Final = "peerpost-link-1:"
"""What the text of a QR code begins with; the card's id in hexadecimal follows."""
DIGITS: Final = 20
_LABEL: Final = b"peerpost-link-1"
_SPACES: Final = re.compile(r"[\s-]+")
_ID: Final = re.compile(r"[0-9a-f]{64}\Z")


def code_of(card: bytes) -> str:
    """Return the 20 digits for the id of a card."""
    return fingerprint_digits(_LABEL, [card])[:DIGITS]


def text_of(card: bytes) -> str:
    """Return what the QR code says."""
    return PREFIX + card.hex()


def names(code: str, card: bytes) -> bool:
    """Say whether what somebody typed, or a scanner read, means this card."""
    said = code.strip().lower().removeprefix(PREFIX)
    return said == card.hex() if _ID.match(said) else _SPACES.sub("", said) == code_of(card)
