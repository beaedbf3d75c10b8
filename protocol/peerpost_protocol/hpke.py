"""HPKE for DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305 (RFC 9180).

Strategy: everything a label fixes is concatenated once, at import; a seal is then two scalar
multiplications and nine HMACs. A context is frozen: sealing and opening return the next one
together with their result, so a failed opening cannot advance a sequence, and whoever wants two
messages under one nonce has to reuse an old context on purpose. Randomness is an argument.

The product seals single messages in base mode (`seal`, `open_`). The other modes, exports and
long contexts are here because the RFC's vectors exercise them, and so prove the same functions.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from nacl.bindings import (
    crypto_aead_chacha20poly1305_ietf_decrypt,
    crypto_aead_chacha20poly1305_ietf_encrypt,
    crypto_scalarmult,
    crypto_scalarmult_base,
)
from nacl.exceptions import CryptoError

from peerpost_protocol.errors import DecryptionError, MalformedError
from peerpost_protocol.hkdf import HASH_LENGTH, expand, extract

KEY_LENGTH: Final = (
    32  # an X25519 key of either kind, `enc`, and the AEAD's key (Npk, Nsk, Nenc, Nk)
)
NONCE_LENGTH: Final = 12
TAG_LENGTH: Final = 16
MINIMUM_PSK: Final = 32  # RFC 9180 section 9.5
MESSAGE_LIMIT: Final = (1 << (8 * NONCE_LENGTH)) - 1

MODE_BASE: Final = 0
MODE_PSK: Final = 1
MODE_AUTH: Final = 2

_VERSION = b"HPKE-v1"
_KEM = _VERSION + b"KEM" + bytes.fromhex("0020")
_SUITE = _VERSION + b"HPKE" + bytes.fromhex("0020 0001 0003")


def _expand_label(suite: bytes, label: bytes, length: int) -> bytes:
    return length.to_bytes(2, "big") + suite + label


_DKP_PRK = _KEM + b"dkp_prk"
_SK = _expand_label(_KEM, b"sk", KEY_LENGTH)
_EAE_PRK = _KEM + b"eae_prk"
_SHARED_SECRET = _expand_label(_KEM, b"shared_secret", HASH_LENGTH)
_PSK_ID_HASH = _SUITE + b"psk_id_hash"
_INFO_HASH = _SUITE + b"info_hash"
_SECRET = _SUITE + b"secret"
_KEY = _expand_label(_SUITE, b"key", KEY_LENGTH)
_BASE_NONCE = _expand_label(_SUITE, b"base_nonce", NONCE_LENGTH)
_EXPORTER = _expand_label(_SUITE, b"exp", HASH_LENGTH)
_NO_PSK_ID_HASH = extract(b"", _PSK_ID_HASH)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An X25519 key pair, 32 bytes each."""

    private: bytes = field(repr=False)
    public: bytes


@dataclass(frozen=True, slots=True)
class PreSharedKey:
    """A secret of 32 bytes or more that both ends hold, and the name they know it by."""

    secret: bytes = field(repr=False)
    identity: bytes

    def __post_init__(self) -> None:
        if len(self.secret) < MINIMUM_PSK or not self.identity:
            raise MalformedError("bad_psk", "a PSK has 32 bytes or more and a name", field="psk")


@dataclass(frozen=True, slots=True)
class Context:
    """One end of an HPKE exchange at one sequence number (RFC 9180 section 5.2)."""

    key: bytes = field(repr=False)
    base_nonce: bytes = field(repr=False)
    exporter_secret: bytes = field(repr=False)
    sequence: int = 0

    def nonce(self) -> bytes:
        """Return the nonce of this sequence number; raise MalformedError past the last one."""
        if self.sequence >= MESSAGE_LIMIT:
            raise MalformedError("message_limit", "the context has sealed all it may")
        mixed = int.from_bytes(self.base_nonce, "big") ^ self.sequence
        return mixed.to_bytes(NONCE_LENGTH, "big")

    def advanced(self) -> "Context":
        """Return this context at the next sequence number."""
        return replace(self, sequence=self.sequence + 1)

    def seal(self, aad: bytes, plaintext: bytes) -> tuple["Context", bytes]:
        """Return the context for the next message, and this one's ciphertext."""
        return self.advanced(), _encrypt(self, aad, plaintext)

    def open_(self, aad: bytes, ciphertext: bytes) -> tuple["Context", bytes]:
        """Return the context for the next message, and this one's plaintext.

        Raise DecryptionError for anything but the sender's message of this sequence number.
        """
        return self.advanced(), _decrypt(self, aad, ciphertext)

    def export(self, exporter_context: bytes, length: int) -> bytes:
        """Return `length` bytes that only the two ends know (RFC 9180 section 5.3).

        Raise MalformedError for more than 255 * 32 bytes.
        """
        label = _expand_label(_SUITE, b"sec", length & 0xFFFF)  # `expand` refuses what is cut here
        return expand(self.exporter_secret, label + exporter_context, length)


def derive_key_pair(ikm: bytes) -> KeyPair:
    """Derive a key pair from 32 or more secret bytes (RFC 9180 section 7.1.3)."""
    if len(ikm) < KEY_LENGTH:
        raise MalformedError("bad_seed", "a key is derived from 32 bytes or more", field="ikm")
    private = expand(extract(b"", _DKP_PRK + ikm), _SK, KEY_LENGTH)
    return KeyPair(private, crypto_scalarmult_base(private))


def seal(
    recipient_public: bytes, info: bytes, aad: bytes, plaintext: bytes, *, ephemeral_seed: bytes
) -> tuple[bytes, bytes]:
    """Seal one message for one recipient in base mode; return (enc, ciphertext).

    `ephemeral_seed` is 32 fresh random bytes, never used twice. Raise MalformedError for a public
    key that is none.
    """
    enc, context = sender_context(recipient_public, info, ephemeral_seed=ephemeral_seed)
    return enc, _encrypt(context, aad, plaintext)


def open_(
    private: bytes,
    enc: bytes,
    info: bytes,
    aad: bytes,
    ciphertext: bytes,
    *,
    public: bytes | None = None,
) -> bytes:
    """Open what `seal` made; raise DecryptionError when any of it is not what was sealed.

    `public` is that of `private`, for whoever has it: it need not be computed again then. With another nothing opens.
    """
    return _decrypt(recipient_context(private, enc, info, public=public), aad, ciphertext)


def sender_context(
    recipient_public: bytes,
    info: bytes,
    *,
    ephemeral_seed: bytes,
    psk: PreSharedKey | None = None,
    sender: KeyPair | None = None,
) -> tuple[bytes, Context]:
    """Return (enc, context); a PSK and a sender's key pair choose the mode (section 5.1)."""
    ephemeral = derive_key_pair(ephemeral_seed)
    try:
        dh = _agree(ephemeral.private, recipient_public)
        if sender is not None:
            dh += _agree(sender.private, recipient_public)
    except CryptoError as error:
        raise MalformedError(
            "bad_public_key", "not a usable X25519 public key", field="recipient_public"
        ) from error
    authenticated = sender.public if sender else b""
    shared_secret = _shared_secret(dh, ephemeral.public + recipient_public + authenticated)
    return ephemeral.public, _key_schedule(shared_secret, info, psk, authenticated=bool(sender))


def recipient_context(
    private: bytes,
    enc: bytes,
    info: bytes,
    *,
    psk: PreSharedKey | None = None,
    sender_public: bytes | None = None,
    public: bytes | None = None,
) -> Context:
    """Return the recipient's context for `enc`; raise DecryptionError when `enc` is no key."""
    try:
        dh = _agree(private, enc)
        if sender_public is not None:
            dh += _agree(private, sender_public)
    except CryptoError as error:
        raise DecryptionError("bad_public_key", "not a usable X25519 key", field="enc") from error
    own = crypto_scalarmult_base(private) if public is None else public
    kem_context = enc + own + (sender_public or b"")
    shared_secret = _shared_secret(dh, kem_context)
    return _key_schedule(shared_secret, info, psk, authenticated=sender_public is not None)


def _agree(private: bytes, public: bytes) -> bytes:
    """Return the X25519 result; raise CryptoError for a key of the wrong length or order."""
    # PyNaCl hands both pointers to libsodium unmeasured: a short key would read past its end.
    if len(private) != KEY_LENGTH or len(public) != KEY_LENGTH:
        raise CryptoError("an X25519 key has 32 bytes")
    # libsodium refuses points of small order and an all-zero result (RFC 9180 section 7.1.4).
    return crypto_scalarmult(private, public)


def _shared_secret(dh: bytes, kem_context: bytes) -> bytes:
    """Bind the agreed points to the keys they came from (ExtractAndExpand, section 4.1)."""
    return expand(extract(b"", _EAE_PRK + dh), _SHARED_SECRET + kem_context, HASH_LENGTH)


def _key_schedule(
    shared_secret: bytes, info: bytes, psk: PreSharedKey | None, *, authenticated: bool
) -> Context:
    """Derive the context's keys (section 5.1)."""
    mode = (MODE_PSK if psk else MODE_BASE) | (MODE_AUTH if authenticated else MODE_BASE)
    psk_id_hash = extract(b"", _PSK_ID_HASH + psk.identity) if psk else _NO_PSK_ID_HASH
    schedule = bytes((mode,)) + psk_id_hash + extract(b"", _INFO_HASH + info)
    secret = extract(shared_secret, _SECRET + (psk.secret if psk else b""))
    return Context(
        expand(secret, _KEY + schedule, KEY_LENGTH),
        expand(secret, _BASE_NONCE + schedule, NONCE_LENGTH),
        expand(secret, _EXPORTER + schedule, HASH_LENGTH),
    )


def _encrypt(context: Context, aad: bytes, plaintext: bytes) -> bytes:
    return crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, aad, context.nonce(), context.key)


def _decrypt(context: Context, aad: bytes, ciphertext: bytes) -> bytes:
    if len(ciphertext) < TAG_LENGTH:
        raise DecryptionError("bad_ciphertext", "shorter than its tag", field="ciphertext")
    nonce = context.nonce()
    try:
        return crypto_aead_chacha20poly1305_ietf_decrypt(ciphertext, aad, nonce, context.key)
    except CryptoError as error:
        raise DecryptionError(
            "bad_ciphertext", "not what was sealed", field="ciphertext"
        ) from error
