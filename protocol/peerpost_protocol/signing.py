"""Signatures: Ed25519 (RFC 8032, by libsodium) over the DSSE pre-authentication encoding of exact bytes.

What is signed is bytes, never a re-serialised object. The type string inside the encoding keeps a signature made for
one purpose from passing for another. The identifier of a signed statement is the SHA-256 of its signed bytes, so it
names type and content and does not depend on the signature.

Source: https://github.com/secure-systems-lab/dsse, protocol.md, "Signature Definition".
"""

from hashlib import sha256
from typing import Annotated

from msgspec import Meta
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from peerpost_protocol import limits
from peerpost_protocol.errors import SignatureError
from peerpost_protocol.wire import SignatureBytes, WireStruct

CARD_TYPE = b"application/vnd.peerpost.card.v1"
ROSTER_EVENT_TYPE = b"application/vnd.peerpost.roster-event.v1"
ENVELOPE_TYPE = b"application/vnd.peerpost.envelope.v1"
RECEIPT_TYPE = b"application/vnd.peerpost.receipt.v1"
CHALLENGE_TYPE = b"application/vnd.peerpost.challenge.v1"
AUTHENTICATION_TYPE = b"application/vnd.peerpost.authentication.v1"
STATEMENT_TYPE = b"application/vnd.peerpost.statement.v1"
OPERATOR_STATEMENT_TYPE = b"application/vnd.peerpost.operator-statement.v1"
HISTORY_ENTRY_TYPE = b"application/vnd.peerpost.history-entry.v1"
CHECKPOINT_TYPE = b"application/vnd.peerpost.checkpoint.v1"
BACKUP_DESTRUCTION_TYPE = b"application/vnd.peerpost.backup-destruction.v1"

_PUBLIC_LENGTH = 32
_SIGNATURE_LENGTH = 64


class Signed(WireStruct, frozen=True):
    """Carry exact bytes and a signature over them; nothing in it is to be believed yet."""

    payload: Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_SIGNED)]
    signature: SignatureBytes


class SigningKey:
    """Hold an Ed25519 private key; shows itself nowhere."""

    __slots__ = ("_secret", "public")

    def __init__(self, seed: bytes) -> None:
        self.public, self._secret = crypto_sign_seed_keypair(seed)

    def signature(self, type_: bytes, payload: bytes) -> bytes:
        """Return the 64-byte signature over the encoding of (type, payload)."""
        message = pre_authentication_encoding(type_, payload)
        return crypto_sign(message, self._secret)[:_SIGNATURE_LENGTH]

    def sign(self, type_: bytes, payload: bytes) -> Signed:
        """Return `payload` with the signature over it."""
        return Signed(payload, self.signature(type_, payload))

    def __repr__(self) -> str:
        return f"<SigningKey of {self.public.hex()[:16]}>"


def pre_authentication_encoding(type_: bytes, payload: bytes) -> bytes:
    """Return `DSSEv1 SP len(type) SP type SP len(payload) SP payload`."""
    return b"DSSEv1 %d %b %d %b" % (len(type_), type_, len(payload), payload)


def identifier(type_: bytes, payload: bytes) -> bytes:
    """Return the 32-byte identifier of a statement: SHA-256 of its signed bytes."""
    return sha256(pre_authentication_encoding(type_, payload)).digest()


def verify(public: bytes, type_: bytes, payload: bytes, signature: bytes) -> None:
    """Raise SignatureError unless `signature` is `public`'s over (type, payload)."""
    # PyNaCl hands the key to libsodium unmeasured: a short one would be read past its end.
    if len(public) != _PUBLIC_LENGTH or len(signature) != _SIGNATURE_LENGTH:
        raise SignatureError("bad_signature", "a key has 32 bytes and a signature 64")
    try:
        crypto_sign_open(signature + pre_authentication_encoding(type_, payload), public)
    except (BadSignatureError, ValueError):
        raise SignatureError("bad_signature", "the signature does not fit") from None
