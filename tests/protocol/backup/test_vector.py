"""tests/vectors/backup.json: a backup recomputed step by step, by ciphers only, in the words of backup.md."""

import json
from pathlib import Path
from typing import cast

import msgspec
from nacl import bindings
from nacl.pwhash import argon2id

from tests.support.backups import HEADER, KEY, PASSPHRASE, opened, records, whole

VECTOR = Path(__file__).parents[2] / "vectors" / "backup.json"


def derived() -> tuple[bytes, bytes]:
    both = argon2id.kdf(64, PASSPHRASE, bytes(16), 1, 8 * 1024)
    return both[:32], both[32:]


def lock() -> bytes:
    secret, commitment = derived()
    label = b"peerpost backup lock v1\x00"
    wrapped = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
        KEY, label + HEADER, bytes(24), secret
    )
    return msgspec.msgpack.encode((1, 8 * 1024, bytes(16), bytes(24), commitment, wrapped))


def header() -> bytes:
    return msgspec.msgpack.encode((1, bytes(range(16)), bytes(range(24))))


def plaintext() -> bytes:
    encoded = [msgspec.msgpack.encode(record) for record in records(1)]
    return b"".join(len(one).to_bytes(4, "big") + one for one in encoded)


def bulk() -> bytes:
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    bindings.crypto_secretstream_xchacha20poly1305_init_pull(state, bytes(range(24)), KEY)
    label = b"peerpost backup chunk v1\x00"
    final = bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL
    return bindings.crypto_secretstream_xchacha20poly1305_push(
        state, plaintext(), label + header(), final
    )


def backup() -> bytes:
    parts = [len(part).to_bytes(2, "big") + part for part in (lock(), header())]
    return b"peerpost backup 1\n" + b"".join(parts) + bulk()


def values() -> dict[str, str]:
    secret, commitment = derived()
    return {
        "passphrase": PASSPHRASE.decode(),
        "data_key": KEY.hex(),
        "secret": secret.hex(),
        "commitment": commitment.hex(),
        "lock": lock().hex(),
        "header": header().hex(),
        "plaintext": plaintext().hex(),
        "bulk": bulk().hex(),
        "backup": backup().hex(),
    }


def test_every_value_of_the_vector_is_what_the_document_says() -> None:
    assert json.loads(VECTOR.read_text()) == values()


def test_the_package_makes_the_same_backup() -> None:
    assert whole(records(1)) == backup()


def test_the_package_opens_the_vector() -> None:
    stored = cast("dict[str, str]", json.loads(VECTOR.read_text()))
    assert opened(bytes.fromhex(stored["backup"])) == records(1)
