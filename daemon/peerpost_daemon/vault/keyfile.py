"""The key file: the database's random key, sealed under the owner's passphrase.

    file    = msgpack [magic, version, header, sealed]
    header  = msgpack [opslimit, memlimit, salt, nonce], kept as the exact bytes that were written
    sealed  = XChaCha20-Poly1305(key = Argon2id(passphrase, header), data = "label version" header)

The costs are associated data, so nobody can change them unnoticed; and they are bounded before
they are used, because the derivation has to run before the seal can be checked. Changing the
passphrase seals the same key anew: instant, but whoever has an old copy of this file *and* its
passphrase still has the key.

`seal` and `unseal` are pure; `create_file`, `open_file` and `change_passphrase` are their shell.
"""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from nacl import bindings
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.passphrase import prepared
from peerpost_daemon.vault import durable

MAGIC = "peerpost vault key"
VERSION = 1
KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 24
SEALED_BYTES = KEY_BYTES + 16

# What a file may ask of us: libsodium's floors, and a ceiling that a small machine survives.
MIN_OPSLIMIT, MAX_OPSLIMIT = 1, 16
MIN_MEMLIMIT, MAX_MEMLIMIT = 8 * 1024, 1024 * 1024 * 1024  # bytes
MAX_FILE_BYTES = 1024

_one_at_a_time = threading.Lock()  # each derivation holds `memlimit` bytes


class Cost(msgspec.Struct, frozen=True):
    """What Argon2id spends on one guess: passes over memory, and bytes of memory."""

    opslimit: int = 2
    memlimit: int = 64 * 1024 * 1024


DEFAULT_COST = Cost()


class _Header(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    opslimit: Annotated[int, Meta(ge=MIN_OPSLIMIT, le=MAX_OPSLIMIT)]
    memlimit: Annotated[int, Meta(ge=MIN_MEMLIMIT, le=MAX_MEMLIMIT)]
    salt: Annotated[bytes, Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]
    nonce: Annotated[bytes, Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]


class _KeyFile(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    magic: str
    version: int
    header: bytes
    sealed: Annotated[bytes, Meta(min_length=SEALED_BYTES, max_length=SEALED_BYTES)]


class _Preamble(msgspec.Struct, frozen=True, array_like=True):
    """What every version begins with."""

    magic: str
    version: int


def seal(key: bytes, passphrase: bytes | str, cost: Cost, *, salt: bytes, nonce: bytes) -> bytes:
    """Return the key file's bytes that give back `key` for `passphrase`.

    `salt` (16) and `nonce` (24) are fresh random bytes. Takes as long as `cost` says. Raises
    DaemonError invalid_params for a passphrase or a cost out of bounds.
    """
    if len(key) != KEY_BYTES:
        raise ValueError("a database key has 32 bytes")
    written = msgspec.msgpack.encode(_Header(cost.opslimit, cost.memlimit, salt, nonce))
    try:
        header = msgspec.msgpack.decode(written, type=_Header)
    except msgspec.ValidationError as error:
        raise DaemonError("invalid_params", f"key derivation: {error}", field="cost") from error
    sealed = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
        key, _associated(written), nonce, _derive(passphrase, header)
    )
    return msgspec.msgpack.encode(_KeyFile(MAGIC, VERSION, written, sealed))


def unseal(data: bytes, passphrase: bytes | str) -> bytes:
    """Return the database key (32 bytes) out of the key file's bytes.

    Raises DaemonError: wrong_passphrase, or storage_failed naming the field that is malformed.
    """
    file, header = _parse(data)
    secret = _derive(passphrase, header)
    try:
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
            file.sealed, _associated(file.header), header.nonce, secret
        )
    except CryptoError:
        # `from None`: the cause says nothing more, and its frames hold the derived key.
        raise DaemonError("wrong_passphrase", "the passphrase does not open the vault") from None


def _derive(passphrase: bytes | str, header: _Header) -> bytes:
    secret = prepared(passphrase)
    try:
        with _one_at_a_time:
            return argon2id.kdf(KEY_BYTES, secret, header.salt, header.opslimit, header.memlimit)
    except CryptoError as error:
        raise DaemonError(
            "storage_failed",
            f"there is not enough memory to derive the vault's key: memlimit asks for "
            f"{header.memlimit // 2**20} MiB",
        ) from error


def _associated(header: bytes) -> bytes:
    return f"{MAGIC} {VERSION} ".encode() + header


def _parse(data: bytes) -> tuple[_KeyFile, _Header]:
    if len(data) > MAX_FILE_BYTES:
        raise _malformed(f"it is longer than {MAX_FILE_BYTES} bytes")
    try:
        preamble = msgspec.msgpack.decode(data, type=_Preamble)
        _check(preamble)
        file = msgspec.msgpack.decode(data, type=_KeyFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(_named(str(error), _KeyFile)) from error
    try:
        return file, msgspec.msgpack.decode(file.header, type=_Header)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(f"header: {_named(str(error), _Header)}") from error


def _check(preamble: _Preamble) -> None:
    if preamble.magic != MAGIC:
        raise _malformed("magic: it is not a peerpost key file")
    if preamble.version > VERSION:
        raise DaemonError("storage_failed", "version: the key file was made by a newer version")
    if preamble.version != VERSION:
        raise _malformed(f"version: there is no version {preamble.version}")


def _named(message: str, struct: type[msgspec.Struct]) -> str:
    """Put the field's name where msgspec, for an array, says its index."""
    for index, name in enumerate(struct.__struct_fields__):
        message = message.replace(f"`$[{index}]`", name)
    return message


def _malformed(what: str) -> DaemonError:
    return DaemonError("storage_failed", f"the vault's key file is malformed: {what}")


async def create_file(path: Path, passphrase: bytes | str, cost: Cost = DEFAULT_COST) -> bytes:
    """Make a random database key, write it sealed to `path`, and return it.

    The file is 0600 and durable; its directory is made 0700. Raises DaemonError: vault_exists,
    invalid_params (the passphrase's size), storage_full, storage_failed.
    """
    return await asyncio.to_thread(_create_file, path, passphrase, cost)


async def open_file(path: Path, passphrase: bytes | str) -> bytes:
    """Return the database key sealed in `path`; the derivation runs in a thread.

    Raises DaemonError: no_vault, wrong_passphrase, storage_failed.
    """
    return await asyncio.to_thread(_open_file, path, passphrase)


async def change_passphrase(
    path: Path, old: bytes | str, new: bytes | str, cost: Cost = DEFAULT_COST
) -> None:
    """Seal the same key under `new`, in one atomic step: the database is not touched.

    Raises what `open_file` and `create_file` raise; then `old` still opens the vault.
    """
    await asyncio.to_thread(_change_passphrase, path, old, new, cost)


def _create_file(path: Path, passphrase: bytes | str, cost: Cost) -> bytes:
    if os.path.lexists(path):
        raise durable.already_there(path)
    key = os.urandom(KEY_BYTES)
    durable.create(path, _seal_freshly(key, passphrase, cost))
    return key


def _open_file(path: Path, passphrase: bytes | str) -> bytes:
    return unseal(durable.read(path, MAX_FILE_BYTES), passphrase)


def _change_passphrase(path: Path, old: bytes | str, new: bytes | str, cost: Cost) -> None:
    durable.replace(path, _seal_freshly(_open_file(path, old), new, cost))


def _seal_freshly(key: bytes, passphrase: bytes | str, cost: Cost) -> bytes:
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    return seal(key, passphrase, cost, salt=salt, nonce=nonce)
