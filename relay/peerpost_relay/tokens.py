"""Tokens: an operator's permission to publish cards of the identities that a pattern fits.

Attacker: whoever guesses one, or has stolen one. A token has 256 random bits and only its SHA-256 is stored. A stolen
one publishes cards of identities that have none yet, until it expires, is used up or is revoked; it makes no card of
another's identity count. Revoking ends the sessions that rest on it: those of cards that it authorised, and that no
proof has verified since.
"""

import base64
import re
from hashlib import sha256

from msgspec import Struct

from peerpost_protocol.errors import MalformedError
from peerpost_protocol.frames import Attestation
from peerpost_protocol.identity import normalise
from peerpost_protocol.refusals import Refusal
from peerpost_relay.errors import RefusalError
from peerpost_relay.store import Token, Transaction

TOKEN_PREFIX = "pp_"  # noqa: S105  what all tokens begin with, so that scanners for secrets find them
TOKEN_BYTES = 32
PATTERN_CHARACTERS_MAX = 254

_PATTERN = re.compile(r"[a-z0-9_.+@*-]+")


class Backing(Struct, frozen=True):
    """Say what stands behind a card, and the number of the token if that is one."""

    attestation: Attestation
    token: int | None = None


def attest(
    transaction: Transaction,
    identity: str,
    token: str | None,
    now_ms: int,
    *,
    without: Refusal | None,
) -> Backing:
    """Return what stands behind a new card of the identity, using up the token; raise RefusalError.

    `without`: why a card without a token is refused, None where it is taken as unverified.
    """
    if token is None:
        if without is not None:
            raise RefusalError(without, "this relay takes no cards without a permission")
        return Backing(Attestation.UNVERIFIED)
    found = transaction.token(digest_of(token))
    if found is None or not is_live(found, now_ms) or not matches(found.identity, identity):
        raise RefusalError(
            Refusal.TOKEN_REFUSED,
            "the token is unknown, expired, used up, revoked or for another identity",
            field="token",
        )
    transaction.use_token(found.number)
    return Backing(Attestation.AUTHORIZED, found.number)


def is_live(token: Token, now_ms: int) -> bool:
    """Tell whether a token may still be used."""
    expired = token.expires_at_ms is not None and token.expires_at_ms <= now_ms
    return token.revoked_at_ms is None and not expired and token.uses_left != 0


def matches(pattern: str, identity: str) -> bool:
    """Tell whether a pattern, in which `*` stands for anything, fits an identity whole."""
    parts = pattern.split("*")
    if len(parts) == 1:
        return pattern == identity
    first, *middle, last = parts
    if not identity.startswith(first):
        return False
    place = len(first)
    for part in middle:  # leftmost fits suffice and keep this linear, as no regular expression is
        place = identity.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return len(identity) - len(last) >= place and identity.endswith(last)


def pattern_of(text: str) -> str:
    """Return a token's identity pattern in its one form; raise MalformedError."""
    folded = text.strip().lower() if text.isascii() else text  # the Kelvin sign folds to a k
    if "*" not in folded:
        return normalise(folded)
    if len(folded) > PATTERN_CHARACTERS_MAX or not _PATTERN.fullmatch(folded):
        raise MalformedError(
            "bad_identity", "a pattern is an identity in which * stands for anything"
        )
    return folded


def make_token(random: bytes) -> str:
    """Return the token of 32 random bytes, as its owner keeps it."""
    return TOKEN_PREFIX + base64.urlsafe_b64encode(random).decode().rstrip("=")


def digest_of(token: str) -> bytes:
    """Return what is stored of a token."""
    return sha256(token.encode()).digest()
