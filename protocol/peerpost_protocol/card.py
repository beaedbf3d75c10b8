"""Cards: one device's signed public record. Bytes in, a verified `Card` out, or an error.

Checks of `open_card` (docs/protocol/card.md):
 1. the payload is a card within its bounds
 2. the signature is by the signing key that the card itself names (proof of possession)
 3. something can be sealed for the encryption key: a key of small order would stop everybody who seals for the card
A card proves that its maker holds the keys. Whether the identity is theirs is for attestation, pinning and
endorsement to say.
"""

from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Struct
from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base
from nacl.exceptions import CryptoError

from peerpost_protocol import limits
from peerpost_protocol.errors import MalformedError
from peerpost_protocol.identity import Identity
from peerpost_protocol.signing import CARD_TYPE, Signed, SigningKey, identifier, verify
from peerpost_protocol.wire import Decoder, Digest, Key, Milliseconds, WireStruct, encode

DeviceName = Annotated[
    str, Meta(pattern=r"^[\w.-][\w. -]*\Z", min_length=1, max_length=limits.MAX_DEVICE_CHARACTERS)
]


class CardBody(WireStruct, frozen=True):
    """Say what a card says; only `open_card` makes it believable."""

    identity: Identity
    device: DeviceName
    signing_key: Key
    encryption_key: Key
    created_at_ms: Milliseconds
    endorser: Digest | None
    predecessor: Digest | None


class Card(Struct, frozen=True):
    """Be a card whose signature has been verified."""

    id: bytes
    body: CardBody
    signed: Signed

    @property
    def identity(self) -> str:
        """Return the identity that the card claims."""
        return self.body.identity


class DeviceKeys:
    """Hold one device's private keys (32-byte Ed25519 seed, 32-byte X25519 scalar); show neither."""

    __slots__ = ("encryption_private", "encryption_public", "signing")

    def __init__(self, signing_seed: bytes, encryption_private: bytes) -> None:
        self.signing = SigningKey(signing_seed)
        self.encryption_private = encryption_private
        self.encryption_public = crypto_scalarmult_base(encryption_private)

    def __repr__(self) -> str:
        return f"<DeviceKeys of {self.signing.public.hex()[:16]}>"


_ANY_SCALAR = bytes(range(32))
CARDS_REMEMBERED = 4096

_decode = Decoder[CardBody](CardBody, "card", limits.MAX_CARD)


def issue_card(
    keys: DeviceKeys,
    identity: str,
    device: str,
    created_at_ms: int,
    *,
    endorser: bytes | None = None,
    predecessor: bytes | None = None,
) -> Card:
    """Make and sign a card; raise MalformedError when identity or device is outside its form."""
    body = CardBody(
        identity,
        device,
        keys.signing.public,
        keys.encryption_public,
        created_at_ms,
        endorser,
        predecessor,
    )
    return open_card(keys.signing.sign(CARD_TYPE, encode(body, limit=limits.MAX_CARD)))


@lru_cache(maxsize=CARDS_REMEMBERED)
def open_card(signed: Signed) -> Card:
    """Return the verified card; raise MalformedError or SignatureError.

    The newest results are remembered: a card is looked at with every message, and the same bytes verify the same way.
    For cards that we keep; those of strangers would push them out, and a forgotten one takes 160 microseconds.
    """
    return verify_card(signed)


def verify_card(signed: Signed) -> Card:
    """Return the verified card and do not remember it; raise MalformedError or SignatureError."""
    body = _decode(signed.payload)
    verify(body.signing_key, CARD_TYPE, signed.payload, signed.signature)
    _usable(body.encryption_key)
    return Card(identifier(CARD_TYPE, signed.payload), body, signed)


def _usable(encryption_key: bytes) -> None:
    try:
        crypto_scalarmult(_ANY_SCALAR, encryption_key)
    except CryptoError:
        raise MalformedError(
            "bad_public_key", "not a usable X25519 public key", field="card.encryption_key"
        ) from None  # 3
