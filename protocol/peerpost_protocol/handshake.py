"""The handshake: both ends prove their keys over one challenge with a nonce from each.

The relay signs the challenge, so a daemon that has met it before knows it again. The client signs the same challenge
with its card's id: the answer fits this relay, this connection and this card, and nothing else.
"""

from msgspec import Struct

from peerpost_protocol.card import Card
from peerpost_protocol.signing import AUTHENTICATION_TYPE, CHALLENGE_TYPE, SigningKey, verify
from peerpost_protocol.wire import Digest, Key, Milliseconds, Nonce, WireStruct, encode


class ChallengeBody(WireStruct, frozen=True):
    """Be what the relay signs: itself, both nonces and its time."""

    relay: Key
    client_nonce: Nonce
    relay_nonce: Nonce
    at_ms: Milliseconds


class AuthenticationBody(WireStruct, frozen=True):
    """Be what the client signs: the challenge and its card's id."""

    relay: Key
    client_nonce: Nonce
    relay_nonce: Nonce
    at_ms: Milliseconds
    card: Digest


class Challenge(Struct, frozen=True):
    """Be one connection's challenge; `relay` is the relay's Ed25519 public key, its id."""

    relay: bytes
    client_nonce: bytes
    relay_nonce: bytes
    at_ms: int


def sign_challenge(key: SigningKey, challenge: Challenge) -> bytes:
    """Return the relay's signature over the challenge."""
    return key.signature(CHALLENGE_TYPE, _challenge_bytes(challenge))


def verify_challenge(challenge: Challenge, signature: bytes) -> None:
    """Raise SignatureError unless the relay that the challenge names signed it."""
    verify(challenge.relay, CHALLENGE_TYPE, _challenge_bytes(challenge), signature)


def sign_authentication(key: SigningKey, challenge: Challenge, card: bytes) -> bytes:
    """Return the client's answer to the challenge for its card."""
    return key.signature(AUTHENTICATION_TYPE, _authentication_bytes(challenge, card))


def verify_authentication(challenge: Challenge, card: Card, signature: bytes) -> None:
    """Raise SignatureError unless the card's key answered this challenge."""
    payload = _authentication_bytes(challenge, card.id)
    verify(card.body.signing_key, AUTHENTICATION_TYPE, payload, signature)


def _challenge_bytes(c: Challenge) -> bytes:
    return encode(ChallengeBody(c.relay, c.client_nonce, c.relay_nonce, c.at_ms))


def _authentication_bytes(c: Challenge, card: bytes) -> bytes:
    return encode(AuthenticationBody(c.relay, c.client_nonce, c.relay_nonce, c.at_ms, card))
