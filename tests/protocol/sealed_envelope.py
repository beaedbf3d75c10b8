"""An envelope of alice's, its parts, and what cheating senders make of them."""

from collections.abc import Sequence
from hashlib import sha256

import msgspec
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

from peerpost_protocol import envelope as sealing
from peerpost_protocol import hpke
from peerpost_protocol.content import Content, Text
from peerpost_protocol.envelope import (
    EnvelopeParts,
    Header,
    Wrap,
    unseal,
)
from peerpost_protocol.signing import ENVELOPE_TYPE
from peerpost_protocol.wire import encode
from tests.support.people import (
    Person,
    channel_of,
    digest,
    opened,
    person,
    random_bytes,
    sealed,
)

ALICE, BOB, MALLORY = person("alice"), person("bob"), person("mallory")
CHANNEL = channel_of(ALICE, BOB, MALLORY)
DATA = sealed(ALICE, CHANNEL, ALICE, BOB, MALLORY, body=Text("the plan"))
PARTS = msgspec.msgpack.decode(DATA, type=EnvelopeParts)
HEADER = msgspec.msgpack.decode(PARTS.header, type=Header)
WRAPS = msgspec.msgpack.decode(PARTS.wraps, type=tuple[Wrap, ...])


def read(data: bytes, sender: Person, reader: Person) -> Content:
    return unseal(opened(data, sender), reader.card.id, reader.keys.encryption_private)


def resigned(by: Person, parts: EnvelopeParts, **header: object) -> bytes:
    """Return the parts under a changed header, signed again by somebody who may."""
    changed = msgspec.structs.replace(HEADER, sender=by.card.id, **header)
    bytes_ = encode(changed)
    statement = bytes_ + sha256(parts.ciphertext).digest()
    signature = by.keys.signing.signature(ENVELOPE_TYPE, statement)
    return encode(msgspec.structs.replace(parts, header=bytes_, signature=signature))


def wrapped_again(secret: bytes, header: Header, readers: Sequence[Person]) -> bytes:
    """Return a wrap list that fits `header`, as a member who knows the secret can make it."""
    source = random_bytes("mallory")
    return encode(
        tuple(
            sealing._wrap(
                who.card,
                sealing._context(header, header.sender, header.key_commitment, who.card.id),
                secret,
                source,
            )
            for who in readers
        )
    )


def secret_of(data: bytes, sender: Person, reader: Person) -> bytes:
    """Return the content secret as a dishonest recipient learns it."""
    envelope = opened(data, sender)
    wrap = next(w for w in WRAPS if w.recipient == reader.card.id)
    header = envelope.header
    context = sealing._context(header, header.sender, header.key_commitment, reader.card.id)
    info = sealing._info(context)
    return hpke.open_(reader.keys.encryption_private, wrap.enc, info, b"", wrap.sealed)


def again(padded: bytes, by: Person = ALICE) -> bytes:
    """Return an envelope of the same place whose plaintext is `padded`, made by a sender that cheats."""
    secret, nonce = digest("secret"), bytes(24)
    commitment = sealing._expand(secret, sealing._COMMITMENT_LABEL)
    header = msgspec.structs.replace(HEADER, sender=by.card.id, key_commitment=commitment)
    wraps = wrapped_again(secret, header, (BOB,))
    header = msgspec.structs.replace(header, wraps_digest=sha256(wraps).digest())
    key = sealing._expand(secret, sealing._KEY_LABEL)
    body = crypto_aead_xchacha20poly1305_ietf_encrypt(padded, encode(header), nonce, key)
    parts = EnvelopeParts(encode(header), wraps, nonce + body, bytes(64))
    commits = {"key_commitment": commitment, "wraps_digest": header.wraps_digest}
    return resigned(by, parts, **commits)
