"""HPKE against the RFC's own vectors, against another implementation, and against an attacker."""

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from cryptography.hazmat.primitives import hpke as peer
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from peerpost_protocol import hpke
from peerpost_protocol.errors import DecryptionError, MalformedError

SUITE_IDS = (0x0020, 0x0001, 0x0003)
PEER = peer.Suite(peer.KEM.X25519, peer.KDF.HKDF_SHA256, peer.AEAD.CHACHA20_POLY1305)
RECIPIENT = hpke.derive_key_pair(b"recipient".ljust(32))
SEED = b"ephemeral".ljust(32)
SMALL_ORDER = [
    "00" * 32,
    "01" + "00" * 31,
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
]

Vector = dict[str, Any]


def published_vectors() -> list[Vector]:
    text = files("cryptography_vectors").joinpath("HPKE/test-vectors.json").read_text()
    return [v for v in json.loads(text) if (v["kem_id"], v["kdf_id"], v["aead_id"]) == SUITE_IDS]


def octets(vector: Vector, name: str) -> bytes:
    return bytes.fromhex(vector[name])


def psk_of(vector: Vector) -> hpke.PreSharedKey | None:
    if "psk" not in vector:
        return None
    return hpke.PreSharedKey(octets(vector, "psk"), octets(vector, "psk_id"))


def sender_of(vector: Vector) -> tuple[bytes, hpke.Context]:
    return hpke.sender_context(
        octets(vector, "pkRm"),
        octets(vector, "info"),
        ephemeral_seed=octets(vector, "ikmE"),
        psk=psk_of(vector),
        sender=hpke.derive_key_pair(octets(vector, "ikmS")) if "ikmS" in vector else None,
    )


def recipient_of(vector: Vector) -> hpke.Context:
    return hpke.recipient_context(
        octets(vector, "skRm"),
        octets(vector, "enc"),
        octets(vector, "info"),
        psk=psk_of(vector),
        sender_public=octets(vector, "pkSm") if "pkSm" in vector else None,
    )


every_vector = pytest.mark.parametrize(
    "vector", published_vectors(), ids=lambda v: f"mode{v['mode']}"
)


def test_the_vectors_cover_the_four_modes() -> None:
    assert [vector["mode"] for vector in published_vectors()] == [0, 1, 2, 3]


@every_vector
def test_key_pairs_are_derived_as_published(vector: Vector) -> None:
    for who in "ERS":
        if f"ikm{who}" in vector:
            pair = hpke.derive_key_pair(octets(vector, f"ikm{who}"))
            expected = octets(vector, f"sk{who}m"), octets(vector, f"pk{who}m")
            assert (pair.private, pair.public) == expected


@every_vector
def test_both_ends_schedule_the_published_keys(vector: Vector) -> None:
    enc, sender = sender_of(vector)
    assert enc == octets(vector, "enc")
    assert sender == recipient_of(vector)
    assert sender.key == octets(vector, "key")
    assert sender.base_nonce == octets(vector, "base_nonce")
    assert sender.exporter_secret == octets(vector, "exporter_secret")


@every_vector
def test_every_published_message_is_sealed_and_opened_in_turn(vector: Vector) -> None:
    (_, sender), recipient = sender_of(vector), recipient_of(vector)
    for message in vector["encryptions"]:
        aad, plaintext = octets(message, "aad"), octets(message, "pt")
        assert sender.nonce() == octets(message, "nonce")
        sender, ciphertext = sender.seal(aad, plaintext)
        assert ciphertext == octets(message, "ct")
        recipient, opened = recipient.open_(aad, ciphertext)
        assert opened == plaintext


@every_vector
def test_every_published_export_is_given(vector: Vector) -> None:
    context = recipient_of(vector)
    for export in vector["exports"]:
        value = context.export(octets(export, "exporter_context"), export["L"])
        assert value == octets(export, "exported_value")


def test_the_single_shot_functions_agree_with_the_base_mode_vector() -> None:
    vector = published_vectors()[0]
    message = vector["encryptions"][0]
    info, aad, plaintext = octets(vector, "info"), octets(message, "aad"), octets(message, "pt")
    seed = octets(vector, "ikmE")
    sealed = hpke.seal(octets(vector, "pkRm"), info, aad, plaintext, ephemeral_seed=seed)
    assert sealed == (octets(vector, "enc"), octets(message, "ct"))
    assert hpke.open_(octets(vector, "skRm"), sealed[0], info, aad, sealed[1]) == plaintext


def test_another_implementation_opens_what_we_seal() -> None:
    enc, ciphertext = hpke.seal(RECIPIENT.public, b"info", b"", b"content key", ephemeral_seed=SEED)
    private = X25519PrivateKey.from_private_bytes(RECIPIENT.private)
    assert PEER.decrypt(enc + ciphertext, private, info=b"info") == b"content key"


def test_we_open_what_another_implementation_seals() -> None:
    public = X25519PublicKey.from_public_bytes(RECIPIENT.public)
    sealed = PEER.encrypt(b"content key", public, info=b"info")
    enc, ciphertext = sealed[: hpke.KEY_LENGTH], sealed[hpke.KEY_LENGTH :]
    assert hpke.open_(RECIPIENT.private, enc, b"info", b"", ciphertext) == b"content key"


@given(st.binary(min_size=32, max_size=32), st.binary(), st.binary(), st.binary())
def test_whatever_is_sealed_opens_to_itself(
    seed: bytes, info: bytes, aad: bytes, plaintext: bytes
) -> None:
    enc, ciphertext = hpke.seal(RECIPIENT.public, info, aad, plaintext, ephemeral_seed=seed)
    assert len(ciphertext) == len(plaintext) + hpke.TAG_LENGTH
    assert hpke.open_(RECIPIENT.private, enc, info, aad, ciphertext) == plaintext


@given(st.sampled_from(["enc", "info", "aad", "ciphertext"]), st.integers(0, 10**6))
def test_one_flipped_bit_anywhere_is_refused(part: str, place: int) -> None:
    parts = {"info": b"header", "aad": b"recipient"}
    parts["enc"], parts["ciphertext"] = hpke.seal(
        RECIPIENT.public, parts["info"], parts["aad"], b"content key", ephemeral_seed=SEED
    )
    bit = place % (8 * len(parts[part]))
    mutable = bytearray(parts[part])
    mutable[bit // 8] ^= 1 << bit % 8
    parts[part] = bytes(mutable)
    with pytest.raises(DecryptionError):
        hpke.open_(RECIPIENT.private, **parts)


@pytest.mark.parametrize("cut", [b"", b"x", b"x" * 15])
def test_a_ciphertext_shorter_than_its_tag_is_refused(cut: bytes) -> None:
    enc, _ = hpke.seal(RECIPIENT.public, b"", b"", b"", ephemeral_seed=SEED)
    with pytest.raises(DecryptionError):
        hpke.open_(RECIPIENT.private, enc, b"", b"", cut)


def test_another_recipient_cannot_open() -> None:
    enc, ciphertext = hpke.seal(RECIPIENT.public, b"", b"", b"secret", ephemeral_seed=SEED)
    stranger = hpke.derive_key_pair(b"stranger".ljust(32))
    with pytest.raises(DecryptionError):
        hpke.open_(stranger.private, enc, b"", b"", ciphertext)


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_a_public_key_of_small_order_is_refused_by_both_ends(point: str) -> None:
    public = bytes.fromhex(point)
    with pytest.raises(MalformedError) as refused:
        hpke.seal(public, b"", b"", b"secret", ephemeral_seed=SEED)
    assert refused.value.field == "recipient_public"
    with pytest.raises(DecryptionError):
        hpke.open_(RECIPIENT.private, public, b"", b"", bytes(16))
    with pytest.raises(DecryptionError):
        hpke.recipient_context(RECIPIENT.private, RECIPIENT.public, b"", sender_public=public)


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_a_key_of_another_length_never_reaches_the_curve(length: int) -> None:
    with pytest.raises(MalformedError):
        hpke.seal(b"\x09" * length, b"", b"", b"secret", ephemeral_seed=SEED)
    with pytest.raises(DecryptionError):
        hpke.open_(RECIPIENT.private, b"\x09" * length, b"", b"", bytes(16))


def test_a_refused_ciphertext_does_not_advance_the_context() -> None:
    enc, sender = hpke.sender_context(RECIPIENT.public, b"", ephemeral_seed=SEED)
    recipient = hpke.recipient_context(RECIPIENT.private, enc, b"")
    _, ciphertext = sender.seal(b"", b"first")
    with pytest.raises(DecryptionError):
        recipient.open_(b"other", ciphertext)
    assert recipient.open_(b"", ciphertext)[1] == b"first"


@pytest.mark.parametrize("act", [hpke.Context.seal, hpke.Context.open_])
def test_a_context_stops_at_the_message_limit(act: Callable[..., object]) -> None:
    exhausted = hpke.Context(bytes(32), bytes(12), bytes(32), sequence=hpke.MESSAGE_LIMIT)
    with pytest.raises(MalformedError) as refused:
        act(exhausted, b"", bytes(16))
    assert refused.value.kind == "message_limit"


@pytest.mark.parametrize("length", [-1, 255 * 32 + 1, 1 << 16])
def test_an_export_longer_than_hkdf_gives_is_refused(length: int) -> None:
    context = hpke.Context(bytes(32), bytes(12), bytes(32))
    with pytest.raises(MalformedError):
        context.export(b"", length)


def test_short_seeds_and_empty_pre_shared_keys_are_refused() -> None:
    with pytest.raises(MalformedError):
        hpke.derive_key_pair(bytes(31))
    with pytest.raises(MalformedError):
        hpke.PreSharedKey(bytes(31), b"name")
    with pytest.raises(MalformedError):
        hpke.PreSharedKey(bytes(32), b"")


def test_no_representation_shows_a_secret() -> None:
    pair = hpke.KeyPair(b"private", b"public")
    context = hpke.Context(b"key", b"nonce", b"exporter")
    psk = hpke.PreSharedKey(b"secret".ljust(32), b"name")
    assert repr(pair) == "KeyPair(public=b'public')"
    assert repr(context) == "Context(sequence=0)"
    assert repr(psk) == "PreSharedKey(identity=b'name')"
