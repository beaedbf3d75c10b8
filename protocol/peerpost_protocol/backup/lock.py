"""The lock of a backup: its random data key, wrapped under a passphrase.

    secret, commitment = Argon2id(passphrase, salt, opslimit, memlimit)      64 bytes, split in the middle
    wrapped            = XChaCha20-Poly1305(secret, nonce, data key, associated data = label || header)

Attackers: whoever holds the backup guesses passphrases, and pays Argon2id for each. Whoever makes a backup for us to
open asks for more memory than we have: costs are bounded before they are spent. A ciphertext of this cipher can be made
to open under many keys, and then whether it opens tells which passphrases we do not have: the commitment makes it one.

Changing the passphrase makes another lock for the same data key; header and bulk stay. An old lock with its old
passphrase goes on opening the bulk.
"""

import hmac
from typing import Annotated

from msgspec import Meta
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id

from peerpost_protocol import limits
from peerpost_protocol.errors import DecryptionError, TooLargeError
from peerpost_protocol.wire import Decoder, Digest, Key, WireStruct, encode

KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 24
MIN_PASSES, MIN_MEMORY = 1, 8 * 1024  # libsodium's floors
_WRAPPED_BYTES = KEY_BYTES + 16
_LABEL = b"peerpost backup lock v1\x00"

Passes = Annotated[int, Meta(ge=MIN_PASSES, le=limits.MAX_BACKUP_PASSES)]
Memory = Annotated[int, Meta(ge=MIN_MEMORY, le=limits.MAX_BACKUP_MEMORY)]


class Cost(WireStruct, frozen=True):
    """Be what one guess costs: passes over memory, and bytes of memory."""

    opslimit: Passes = 3
    memlimit: Memory = 256 * 1024 * 1024


class BackupLock(WireStruct, frozen=True):
    """Be the wrapped data key with what is needed to try a passphrase on it."""

    opslimit: Passes
    memlimit: Memory
    salt: Annotated[bytes, Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]
    nonce: Annotated[bytes, Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]
    commitment: Digest
    wrapped: Annotated[bytes, Meta(min_length=_WRAPPED_BYTES, max_length=_WRAPPED_BYTES)]


decode_lock = Decoder[BackupLock](BackupLock, "lock", limits.MAX_BACKUP_LOCK)


def encode_lock(lock: BackupLock) -> bytes:
    """Return the lock's bytes."""
    return encode(lock, limit=limits.MAX_BACKUP_LOCK)


def lock_key(
    key: Key, passphrase: bytes, header: bytes, cost: Cost, *, salt: bytes, nonce: bytes
) -> BackupLock:
    """Return the lock that gives `key` (32 bytes) back for the passphrase, for this header only.

    `salt` (16 bytes) and `nonce` (24) are fresh and random. Raises TooLargeError when there is not enough memory.
    """
    secret, commitment = _derive(passphrase, salt, cost.opslimit, cost.memlimit)
    wrapped = crypto_aead_xchacha20poly1305_ietf_encrypt(key, _LABEL + header, nonce, secret)
    return BackupLock(cost.opslimit, cost.memlimit, salt, nonce, commitment, wrapped)


def unlock_key(lock: BackupLock, passphrase: bytes, header: bytes) -> bytes:
    """Return the data key; raise DecryptionError wrong_passphrase, TooLargeError without enough memory."""
    secret, commitment = _derive(passphrase, lock.salt, lock.opslimit, lock.memlimit)
    if not hmac.compare_digest(commitment, lock.commitment):
        raise DecryptionError("wrong_passphrase", "the passphrase does not open the backup")
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(
            lock.wrapped, _LABEL + header, lock.nonce, secret
        )
    except CryptoError:
        # `from None`: the frames of the cause hold the derived key.
        raise DecryptionError("damaged_backup", "the lock is of another backup") from None


def _derive(passphrase: bytes, salt: bytes, passes: int, memory: int) -> tuple[bytes, bytes]:
    try:
        derived = argon2id.kdf(2 * KEY_BYTES, passphrase, salt, passes, memory)
    except (CryptoError, MemoryError):
        detail = f"the backup's key derivation asks for {memory // 2**20} MiB of memory"
        raise TooLargeError("too_large", detail, field="lock.memlimit") from None
    return derived[:KEY_BYTES], derived[KEY_BYTES:]
