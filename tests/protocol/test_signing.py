"""Signatures: the published vectors, the separation of purposes, and the edges of Ed25519."""

import pytest

from peerpost_protocol.errors import SignatureError
from peerpost_protocol.signing import (
    CARD_TYPE,
    RECEIPT_TYPE,
    SigningKey,
    identifier,
    pre_authentication_encoding,
    verify,
)
from tests.support.people import digest

KEY = SigningKey(digest("key"))
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493

# RFC 8032, section 7.1, TEST 2.
RFC_8032_SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
RFC_8032_PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
RFC_8032_MESSAGE = b"\x72"
RFC_8032_SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_the_encoding_is_the_one_that_dsse_publishes() -> None:
    encoded = pre_authentication_encoding(b"http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_the_encoding_counts_bytes_and_keeps_them() -> None:
    assert pre_authentication_encoding(b"", b"") == b"DSSEv1 0  0 "
    assert pre_authentication_encoding(b"t", b" 1\x00\xff") == b"DSSEv1 1 t 4  1\x00\xff"


def test_ed25519_is_the_one_of_rfc_8032(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "peerpost_protocol.signing.pre_authentication_encoding", lambda _type, payload: payload
    )
    key = SigningKey(RFC_8032_SEED)
    assert key.public.hex() == RFC_8032_PUBLIC
    assert key.signature(b"", RFC_8032_MESSAGE).hex() == RFC_8032_SIGNATURE
    verify(key.public, b"", RFC_8032_MESSAGE, bytes.fromhex(RFC_8032_SIGNATURE))


def test_a_signature_fits_what_was_signed() -> None:
    signed = KEY.sign(CARD_TYPE, b"payload")
    verify(KEY.public, CARD_TYPE, signed.payload, signed.signature)


def test_a_signature_for_one_purpose_does_not_pass_for_another() -> None:
    with pytest.raises(SignatureError):
        verify(KEY.public, RECEIPT_TYPE, b"payload", KEY.signature(CARD_TYPE, b"payload"))


def test_a_signature_over_other_bytes_is_refused() -> None:
    with pytest.raises(SignatureError):
        verify(KEY.public, CARD_TYPE, b"payloae", KEY.signature(CARD_TYPE, b"payload"))


def test_a_signature_by_another_key_is_refused() -> None:
    other = SigningKey(digest("other"))
    with pytest.raises(SignatureError):
        verify(other.public, CARD_TYPE, b"payload", KEY.signature(CARD_TYPE, b"payload"))


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    signature = KEY.signature(CARD_TYPE, b"payload").ljust(65, b"\x00")[:length]
    with pytest.raises(SignatureError):
        verify(KEY.public, CARD_TYPE, b"payload", signature)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_public_key_of_another_length_is_refused(length: int) -> None:
    signature = KEY.signature(CARD_TYPE, b"payload")
    with pytest.raises(SignatureError):
        verify(KEY.public.ljust(33)[:length], CARD_TYPE, b"payload", signature)


def test_the_second_form_of_a_signature_is_refused() -> None:
    signature = KEY.signature(CARD_TYPE, b"payload")
    scalar = int.from_bytes(signature[32:], "little") + GROUP_ORDER
    malleated = signature[:32] + scalar.to_bytes(32, "little")
    with pytest.raises(SignatureError):
        verify(KEY.public, CARD_TYPE, b"payload", malleated)


def test_a_key_of_small_order_signs_nothing() -> None:
    identity_point = b"\x01" + bytes(31)
    with pytest.raises(SignatureError):
        verify(identity_point, CARD_TYPE, b"payload", identity_point + bytes(32))


def test_an_identifier_names_type_and_content() -> None:
    named = {
        identifier(CARD_TYPE, b"a"),
        identifier(RECEIPT_TYPE, b"a"),
        identifier(CARD_TYPE, b"b"),
    }
    assert len(named) == 3
