"""Safety numbers: sixty digits that two people compare, so that no relay stands between them.

The construction is Signal's numeric fingerprint (libsignal, NumericFingerprintGenerator, version 0): for each side

    hash_0   = 0x0000 || keys || identity
    hash_n+1 = SHA-512(hash_n || keys)             5200 times

with `keys` the sorted concatenation of the side's public keys; 30 digits from the first 30 bytes, five digits from each
five bytes (big-endian, modulo 100000). The smaller side stands first, so both see the same number. Attacker: a relay
that gave the two sides other keys of each other; to be shown the same number it has to find keys for which 5200
hashes give the same 30 digits, about 2^99 tries of 5200 hashes for each side.

Here a side's keys are those of all cards that count: of each the signing key and the encryption key.
"""

import hmac
import re
from collections.abc import Iterable
from hashlib import sha512
from typing import Final

from peerpost_protocol.card import Card

ITERATIONS: Final = 5200
DIGITS: Final = 60
PREFIX: Final = "peerpost-safety-number-1:"
"""What the text of a QR code begins with; the digits follow."""
_VERSION: Final = b"\x00\x00"
_CHUNKS: Final = 6
_CHUNK_BYTES: Final = 5
_GROUP: Final = 5
_NOT_A_DIGIT: Final = re.compile(r"[\s-]+")


def safety_number(ours: Iterable[Card], theirs: Iterable[Card]) -> str:
    """Return the 60 digits of two identities, the same whichever is ours; each has at least one card."""
    return numeric_fingerprint(*(_side(cards) for cards in (ours, theirs)))


def numeric_fingerprint(one: tuple[bytes, list[bytes]], other: tuple[bytes, list[bytes]]) -> str:
    """Return the 60 digits of two sides, each a stable identifier and its public keys."""
    return "".join(sorted((fingerprint_digits(*one), fingerprint_digits(*other))))


def grouped(number: str) -> str:
    """Return a number in groups of five digits."""
    return " ".join(number[at : at + _GROUP] for at in range(0, len(number), _GROUP))


def read_number(text: str) -> str | None:
    """Return the 60 digits of what somebody typed or a QR code said, None when they are not there."""
    digits = _NOT_A_DIGIT.sub("", text.strip().removeprefix(PREFIX))
    return digits if len(digits) == DIGITS and digits.isascii() and digits.isdigit() else None


def same(one: str, other: str) -> bool:
    """Compare two numbers in constant time."""
    return hmac.compare_digest(one, other)


def _side(cards: Iterable[Card]) -> tuple[bytes, list[bytes]]:
    listed = list(cards)
    keys = [card.body.signing_key + card.body.encryption_key for card in listed]
    return listed[0].identity.encode(), keys


def fingerprint_digits(identifier: bytes, keys: list[bytes]) -> str:
    """Return the 30 digits of one side: a stable identifier and its public keys."""
    joined = b"".join(sorted(keys))
    digest = _VERSION + joined + identifier
    for _ in range(ITERATIONS):
        digest = sha512(digest + joined).digest()
    chunks = (
        digest[at : at + _CHUNK_BYTES] for at in range(0, _CHUNKS * _CHUNK_BYTES, _CHUNK_BYTES)
    )
    return "".join(f"{int.from_bytes(chunk) % 100_000:05d}" for chunk in chunks)
