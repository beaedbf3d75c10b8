"""Envelopes as no honest client makes them: every part can be chosen, and everything is consistent but that.

`forged` seals like the real `seal`, but lets the caller choose header, content, padding, wraps and signer. `repacked`
takes a real envelope apart and puts it together with other parts.
"""

import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from msgspec.structs import replace
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

from peerpost_protocol import envelope as e
from peerpost_protocol import hpke
from peerpost_protocol.card import Card, DeviceKeys
from peerpost_protocol.content import Content, Text, encode_content
from peerpost_protocol.envelope import EnvelopeParts, Header, Placement
from peerpost_protocol.padding import pad
from peerpost_protocol.signing import ENVELOPE_TYPE
from peerpost_protocol.wire import encode


def parts_of(data: bytes) -> EnvelopeParts:
    return e.parse_envelope(data).parts


def repacked(data: bytes, **parts: bytes) -> bytes:
    """Return the envelope with some of header, wraps, ciphertext and signature replaced."""
    return encode(replace(parts_of(data), **parts))


def flipped(data: bytes, at: int = 10) -> bytes:
    """Return the bytes with one bit of one byte changed."""
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def signed_parts(keys: DeviceKeys, header: bytes, wraps: bytes, ciphertext: bytes) -> bytes:
    """Return an envelope of these parts, signed."""
    statement = e._statement(header, ciphertext)
    signature = keys.signing.signature(ENVELOPE_TYPE, statement)
    return encode(EnvelopeParts(header, wraps, ciphertext, signature))


def opened_secret(data: bytes, card: Card, keys: DeviceKeys) -> bytes:
    """Return the content secret of an envelope, as any recipient has it."""
    claim = e.parse_envelope(data)
    wrap = next(w for w in e._decode_wraps(claim.parts.wraps) if w.recipient == card.id)
    context = e._context(claim.header, claim.header.sender, claim.header.key_commitment, card.id)
    return hpke.open_(keys.encryption_private, wrap.enc, e._info(context), b"", wrap.sealed)


def encrypted(secret: bytes, header: bytes, padded: bytes) -> bytes:
    """Return a ciphertext under a content secret and a header, with a fresh nonce."""
    nonce = os.urandom(e.NONCE_BYTES)
    key = e._expand(secret, e._KEY_LABEL)
    return nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(padded, header, nonce, key)


def forged(
    keys: DeviceKeys,
    sender: Card,
    recipients: Sequence[Card],
    place: Placement,
    *,
    text: str = "forged",
    content: Callable[[Content], Any] = lambda content: content,
    padded: Callable[[bytes], bytes] = pad,
    header: Callable[[Header], Header] = lambda header: header,
) -> bytes:
    """Return an envelope whose content, padding or header were changed before sealing and signing.

    `content` may return bytes: they are taken as the encoded content.
    """
    plain = content(Content(sender.id, place.channel, place.sequence, None, None, Text(text), None))
    inside = plain if isinstance(plain, bytes) else encode_content(plain)
    secret = os.urandom(e.SECRET_BYTES)
    commitment = e._expand(secret, e._COMMITMENT_LABEL)
    wraps = encode(
        tuple(
            e._wrap(card, e._context(place, sender.id, commitment, card.id), secret, os.urandom)
            for card in recipients
        )
    )
    head = header(e._decode_header(e._header(sender, place, commitment, wraps)))
    encoded = encode(head)
    return signed_parts(keys, encoded, wraps, encrypted(secret, encoded, padded(inside)))


def digest_of_wraps(wraps: bytes) -> bytes:
    return sha256(wraps).digest()
