"""The statement that destroys a stored backup: one relay, one identity, one version, by one of the identity's cards."""

from msgspec import Struct

from peerpost_protocol import limits
from peerpost_protocol.card import Card
from peerpost_protocol.errors import SignatureError
from peerpost_protocol.identity import Identity
from peerpost_protocol.signing import BACKUP_DESTRUCTION_TYPE, Signed, SigningKey, verify
from peerpost_protocol.wire import Counter, Decoder, Digest, Key, Milliseconds, WireStruct, encode


class DestructionBody(WireStruct, frozen=True):
    """Say which backup is to be destroyed. A version is never stored twice, so a replay destroys nothing."""

    relay: Key
    identity: Identity
    version: Counter
    card: Digest
    at_ms: Milliseconds


class Destruction(Struct, frozen=True):
    """Be a destruction whose signature has been verified."""

    body: DestructionBody


_decode = Decoder[DestructionBody](DestructionBody, "destruction", limits.MAX_CARD)


def sign_destruction(key: SigningKey, body: DestructionBody) -> Signed:
    """Return the signed statement."""
    return key.sign(BACKUP_DESTRUCTION_TYPE, encode(body, limit=limits.MAX_CARD))


def verify_destruction(signed: Signed, card: Card, relay: bytes) -> Destruction:
    """Return the destruction when `card` made it for this relay and its own identity; raise ProtocolError."""
    body = _decode(signed.payload)
    if (body.card, body.identity, body.relay) != (card.id, card.identity, relay):
        raise SignatureError("wrong_card", "the destruction is another card's or for another relay")
    key = card.body.signing_key
    verify(key, BACKUP_DESTRUCTION_TYPE, signed.payload, signed.signature)
    return Destruction(body)
