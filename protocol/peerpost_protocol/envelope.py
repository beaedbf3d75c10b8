"""Envelopes: the signed header, the wrap list and the ciphertext that travel (suite 1, `sealed`).

Strategy. A random content secret encrypts the padded content once (XChaCha20-Poly1305 under a key expanded from it);
the secret is wrapped for every recipient card with HPKE base mode. The header is the associated data. The signature is
over the header and the digest of the ciphertext: with the header alone, any recipient, who knows the content key, could
put another ciphertext under it (docs/decisions/0001-the-signature-covers-the-ciphertext.md).

Checks, in their order (docs/protocol/envelope.md):
 1. every part is within its bounds, the header is version 1 and of a known suite      `parse_envelope`
 2. the card is the one that the header names, and the signature is its own            `verify_envelope`
 3. the wrap list is the one that the header commits to                                `verify_envelope`
 4. a wrap for this card exists and opens                                              `unseal`
 5. the content secret is the one that the header commits to                           `unseal`
 6. the ciphertext opens with the header as associated data; padding is exact          `unseal`
 7. the content repeats sender, channel and sequence of the header                     `unseal`
Chain, roster and membership are the receiver's checks: chain.py and roster/.
"""

import hmac
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Annotated

from msgspec import Meta, Struct
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from peerpost_protocol import hpke, limits
from peerpost_protocol.card import Card, DeviceKeys
from peerpost_protocol.content import (
    Body,
    Content,
    Correlation,
    Presentation,
    decode_content,
    encode_content,
)
from peerpost_protocol.errors import (
    DecryptionError,
    MalformedError,
    SignatureError,
    UnsupportedContentError,
)
from peerpost_protocol.padding import pad, unpad
from peerpost_protocol.signing import ENVELOPE_TYPE, identifier, verify
from peerpost_protocol.wire import (
    Counter,
    Decoder,
    Digest,
    Key,
    MessageId,
    Milliseconds,
    SignatureBytes,
    WireStruct,
    encode,
)

VERSION = 1
SUITE_SEALED = 1
SECRET_BYTES = 32
NONCE_BYTES = 24

_KEY_LABEL = b"peerpost sealed v1 content key"
_COMMITMENT_LABEL = b"peerpost sealed v1 key commitment"
_WRAP_LABEL = b"peerpost sealed v1 wrap "

RandomBytes = Callable[[int], bytes]


class Checkpoint(WireStruct, frozen=True):
    """Say how much the sender knows of the members' histories (checkpoint.py)."""

    size: Counter
    root: Digest


class Header(WireStruct, frozen=True):
    """Say who sends what, where, after which, and under which roster. Signed."""

    version: Annotated[int, Meta(ge=VERSION, le=VERSION)]
    suite: Annotated[int, Meta(ge=SUITE_SEALED, le=SUITE_SEALED)]
    channel: Digest
    roster_position: Counter
    roster_head: Digest
    sender: Digest
    sequence: Annotated[int, Meta(ge=1, le=limits.MAX_COUNTER)]
    previous: Digest | None
    message: MessageId
    sent_at_ms: Milliseconds
    expires_at_ms: Milliseconds | None
    key_commitment: Digest
    wraps_digest: Digest
    checkpoint: Checkpoint | None


class Wrap(WireStruct, frozen=True):
    """Be the content secret for one recipient card: HPKE's `enc` and the 48-byte ciphertext."""

    recipient: Digest
    enc: Key
    sealed: Annotated[bytes, Meta(min_length=48, max_length=48)]


class WrapContext(WireStruct, frozen=True):
    """Bind a wrap to its place: HPKE's `info`, without the wrap list's own digest."""

    channel: Digest
    roster_head: Digest
    sender: Digest
    sequence: Counter
    message: MessageId
    key_commitment: Digest
    recipient: Digest


class EnvelopeParts(WireStruct, frozen=True):
    """Be the four parts on the wire."""

    header: Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_HEADER)]
    wraps: Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_ENVELOPE)]
    ciphertext: Annotated[bytes, Meta(min_length=NONCE_BYTES + 16, max_length=limits.MAX_ENVELOPE)]
    signature: SignatureBytes


class EnvelopeClaim(Struct, frozen=True):
    """Be an envelope that has been parsed and not verified."""

    id: bytes
    header: Header
    parts: EnvelopeParts
    statement: bytes


class Envelope(Struct, frozen=True):
    """Be an envelope whose signature and wrap list have been verified."""

    id: bytes
    header: Header
    parts: EnvelopeParts
    sender: Card


class Placement(Struct, frozen=True):
    """Say where a new envelope goes: the roster it is sealed under and its link in the chain."""

    channel: bytes
    roster_position: int
    roster_head: bytes
    sequence: int
    previous: bytes | None
    message: bytes
    sent_at_ms: int
    expires_at_ms: int | None = None
    checkpoint: Checkpoint | None = None


_Wraps = Annotated[tuple[Wrap, ...], Meta(min_length=1, max_length=limits.MAX_RECIPIENT_CARDS)]
_decode_parts = Decoder[EnvelopeParts](EnvelopeParts, "envelope", limits.MAX_ENVELOPE)
_decode_header = Decoder[Header](Header, "header", limits.MAX_HEADER)
_decode_wraps = Decoder[tuple[Wrap, ...]](_Wraps, "wraps", limits.MAX_ENVELOPE)


def seal(
    keys: DeviceKeys,
    sender: Card,
    recipients: Sequence[Card],
    place: Placement,
    body: Body,
    *,
    random_bytes: RandomBytes,
    reply_to: bytes | None = None,
    correlation: Correlation | None = None,
    presentation: Presentation | None = None,
) -> tuple[bytes, bytes]:
    """Return (encoded envelope, its 32-byte id), readable by `recipients` (cards, no two alike).

    `random_bytes(n)` must be a cryptographic source. Raises TooLargeError when content or envelope is over its bound,
    MalformedError when there is no recipient or there are too many.
    """
    _countable(recipients)
    content = Content(
        sender.id, place.channel, place.sequence, reply_to, correlation, body, presentation
    )
    padded = pad(encode_content(content))
    secret = random_bytes(SECRET_BYTES)
    commitment = _expand(secret, _COMMITMENT_LABEL)
    wraps = encode(
        tuple(
            _wrap(card, _context(place, sender.id, commitment, card.id), secret, random_bytes)
            for card in recipients
        )
    )
    header = _header(sender, place, commitment, wraps)
    nonce = random_bytes(NONCE_BYTES)
    key = _expand(secret, _KEY_LABEL)
    ciphertext = nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(padded, header, nonce, key)
    statement = _statement(header, ciphertext)
    signature = keys.signing.signature(ENVELOPE_TYPE, statement)
    parts = EnvelopeParts(header, wraps, ciphertext, signature)
    return encode(parts, limit=limits.MAX_ENVELOPE), identifier(ENVELOPE_TYPE, statement)


def parse_envelope(data: bytes) -> EnvelopeClaim:
    """Return the unverified claim; raise MalformedError naming the field (check 1)."""
    parts = _decode_parts(data)
    header = _decode_header(parts.header)
    statement = _statement(parts.header, parts.ciphertext)
    return EnvelopeClaim(identifier(ENVELOPE_TYPE, statement), header, parts, statement)


def verify_envelope(claim: EnvelopeClaim, sender: Card) -> Envelope:
    """Return the verified envelope; raise SignatureError (checks 2 and 3)."""
    if claim.header.sender != sender.id:
        raise SignatureError("wrong_card", "the header names another card as its sender")
    key = sender.body.signing_key
    verify(key, ENVELOPE_TYPE, claim.statement, claim.parts.signature)
    if sha256(claim.parts.wraps).digest() != claim.header.wraps_digest:
        raise SignatureError("bad_wraps", "the wrap list is not the one that was signed")
    return Envelope(claim.id, claim.header, claim.parts, sender)


def recipients_of(envelope: Envelope) -> tuple[bytes, ...]:
    """Return the ids of the cards that the envelope is wrapped for; raise MalformedError."""
    return tuple(wrap.recipient for wrap in _decode_wraps(envelope.parts.wraps))


def unseal(
    envelope: Envelope, card: bytes, encryption_private: bytes, *, public: bytes | None = None
) -> Content:
    """Return the content for the card with id `card`; raise DecryptionError or MalformedError.

    UnsupportedContentError says that it opened and belongs where it came, and is of a kind that is not known here.
    `public` is that of `encryption_private`, for whoever has it.
    """
    header, parts = envelope.header, envelope.parts
    wraps = _decode_wraps(parts.wraps)
    if len({one.recipient for one in wraps}) != len(wraps):
        raise MalformedError("duplicate_wrap", "a card has two wraps", field="wraps")  # 4
    wrap = next((one for one in wraps if one.recipient == card), None)
    if wrap is None:
        raise DecryptionError("not_for_us", "the envelope is not wrapped for this card")  # 4
    info = _info(_context(header, header.sender, header.key_commitment, card))
    secret = hpke.open_(encryption_private, wrap.enc, info, b"", wrap.sealed, public=public)  # 4
    if not hmac.compare_digest(_expand(secret, _COMMITMENT_LABEL), header.key_commitment):
        raise DecryptionError("bad_commitment", "the content key is not the one promised")  # 5
    padded = _opened(parts, secret)  # 6
    try:
        content = decode_content(unpad(padded))
    except UnsupportedContentError as error:
        _require_place(header, error.place)  # 7
        raise
    _require_place(header, (content.sender, content.channel, content.sequence))  # 7
    return content


def _require_place(header: Header, place: tuple[bytes, bytes, int]) -> None:
    if place != (header.sender, header.channel, header.sequence):
        raise DecryptionError("wrong_place", "the content was written for another place")


def _opened(parts: EnvelopeParts, secret: bytes) -> bytes:
    nonce, sealed = parts.ciphertext[:NONCE_BYTES], parts.ciphertext[NONCE_BYTES:]
    key = _expand(secret, _KEY_LABEL)
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, parts.header, nonce, key)
    except CryptoError:
        raise DecryptionError("undecryptable", "the ciphertext does not open") from None


def _statement(header: bytes, ciphertext: bytes) -> bytes:
    """Return what is signed: the header, then 32 bytes of SHA-256 of the ciphertext.

    The digest has a fixed length and stands last, so the split is unambiguous.
    """
    return header + sha256(ciphertext).digest()


def _expand(secret: bytes, label: bytes) -> bytes:
    """Return 32 bytes of HKDF-Expand (RFC 5869, section 2.3) of the uniform `secret`."""
    return hmac.digest(secret, label + b"\x01", "sha256")


def _countable(recipients: Sequence[Card]) -> None:
    if not 1 <= len(recipients) <= limits.MAX_RECIPIENT_CARDS:
        raise MalformedError(
            "bad_recipients",
            f"1 to {limits.MAX_RECIPIENT_CARDS} cards, not {len(recipients)}",
            field="recipients",
        )


def _header(sender: Card, place: Placement, commitment: bytes, wraps: bytes) -> bytes:
    header = Header(
        VERSION,
        SUITE_SEALED,
        place.channel,
        place.roster_position,
        place.roster_head,
        sender.id,
        place.sequence,
        place.previous,
        place.message,
        place.sent_at_ms,
        place.expires_at_ms,
        commitment,
        sha256(wraps).digest(),
        place.checkpoint,
    )
    return encode(header, limit=limits.MAX_HEADER)


def _context(
    place: Placement | Header, sender: bytes, commitment: bytes, recipient: bytes
) -> WrapContext:
    return WrapContext(
        place.channel,
        place.roster_head,
        sender,
        place.sequence,
        place.message,
        commitment,
        recipient,
    )


def _info(context: WrapContext) -> bytes:
    return _WRAP_LABEL + encode(context)


def _wrap(card: Card, context: WrapContext, secret: bytes, random_bytes: RandomBytes) -> Wrap:
    seed = random_bytes(SECRET_BYTES)
    key = card.body.encryption_key
    enc, sealed = hpke.seal(key, _info(context), b"", secret, ephemeral_seed=seed)
    return Wrap(card.id, enc, sealed)
