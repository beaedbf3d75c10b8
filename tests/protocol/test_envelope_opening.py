"""Envelopes: checks four to seven of the list, at those who open them, refuse their attacks."""

from hashlib import sha256

import msgspec
import pytest

from peerpost_protocol.content import Content, Text, encode_content
from peerpost_protocol.envelope import (
    unseal,
)
from peerpost_protocol.errors import (
    DecryptionError,
    MalformedError,
)
from peerpost_protocol.padding import pad
from peerpost_protocol.wire import encode
from tests.protocol.sealed_envelope import (
    ALICE,
    BOB,
    CHANNEL,
    DATA,
    HEADER,
    MALLORY,
    PARTS,
    WRAPS,
    again,
    read,
    resigned,
    secret_of,
    wrapped_again,
)
from tests.support.people import (
    Person,
    digest,
    opened,
    sealed,
)

# --- check 4


def test_4_one_who_is_no_recipient_reads_nothing() -> None:
    with pytest.raises(DecryptionError) as refused:
        read(sealed(ALICE, CHANNEL, ALICE), ALICE, BOB)
    assert refused.value.kind == "not_for_us"


def _with_wraps(*readers: Person) -> bytes:
    """Return the envelope with another wrap list that its own sender has signed."""
    wraps = wrapped_again(secret_of(DATA, ALICE, BOB), HEADER, readers)
    parts = msgspec.structs.replace(PARTS, wraps=wraps)
    return resigned(ALICE, parts, wraps_digest=sha256(wraps).digest())


def test_4_two_wraps_for_one_card_are_refused_whoever_reads() -> None:
    data = _with_wraps(ALICE, BOB, BOB)
    for reader in (ALICE, BOB):
        with pytest.raises(MalformedError) as refused:
            read(data, ALICE, reader)
        assert refused.value.kind == "duplicate_wrap"


def test_4_the_order_of_wraps_means_nothing() -> None:
    for data in (sealed(ALICE, CHANNEL, ALICE, BOB), sealed(ALICE, CHANNEL, BOB, ALICE)):
        assert read(data, ALICE, BOB) == read(data, ALICE, ALICE)


def test_4_another_key_opens_no_wrap() -> None:
    with pytest.raises(DecryptionError):
        unseal(opened(DATA, ALICE), BOB.card.id, MALLORY.keys.encryption_private)


def test_4_wraps_carried_to_another_senders_header_do_not_open() -> None:
    with pytest.raises(DecryptionError):
        read(resigned(MALLORY, PARTS), MALLORY, BOB)


def test_4_wraps_exchanged_between_recipients_do_not_open() -> None:
    names = [wrap.recipient for wrap in WRAPS]
    wraps = encode(
        tuple(
            msgspec.structs.replace(wrap, recipient=name)
            for wrap, name in zip(WRAPS, names[1:] + names[:1], strict=True)
        )
    )
    parts = msgspec.structs.replace(PARTS, wraps=wraps)
    with pytest.raises(DecryptionError):
        read(resigned(ALICE, parts, wraps_digest=sha256(wraps).digest()), ALICE, BOB)


@pytest.mark.parametrize("wraps", [encode(()), b"\xc0", encode((("x",),)), encode(WRAPS) + b"\x00"])
def test_4_a_malformed_wrap_list_is_refused(wraps: bytes) -> None:
    parts = msgspec.structs.replace(PARTS, wraps=wraps)
    data = resigned(ALICE, parts, wraps_digest=sha256(wraps).digest())
    with pytest.raises(MalformedError) as refused:
        read(data, ALICE, BOB)
    assert str(refused.value.field).startswith("wraps")


# --- check 5


def test_5_a_sender_does_not_give_recipients_different_keys() -> None:
    wraps = wrapped_again(digest("another secret"), HEADER, (BOB,))
    parts = msgspec.structs.replace(PARTS, wraps=wraps)
    with pytest.raises(DecryptionError) as refused:
        read(resigned(ALICE, parts, wraps_digest=sha256(wraps).digest()), ALICE, BOB)
    assert refused.value.kind == "bad_commitment"


# --- check 6


def test_6_another_header_over_the_ciphertext_does_not_open() -> None:
    with pytest.raises(DecryptionError) as refused:
        read(resigned(ALICE, PARTS, sent_at_ms=1), ALICE, BOB)
    assert refused.value.kind == "undecryptable"


@pytest.mark.parametrize("padded", [b"", b"x" * 256, bytes(256), pad(b"x") + b"\x00"])
def test_6_padding_that_is_not_exact_is_refused(padded: bytes) -> None:
    with pytest.raises(MalformedError) as refused:
        read(again(padded), ALICE, BOB)
    assert refused.value.kind == "bad_padding"


def test_6_a_plaintext_that_is_no_content_is_refused() -> None:
    with pytest.raises(MalformedError):
        read(again(pad(b"not a content")), ALICE, BOB)


# --- check 7


@pytest.mark.parametrize(
    "place",
    [
        (BOB.card.id, CHANNEL.id, 1),
        (ALICE.card.id, digest("another channel"), 1),
        (ALICE.card.id, CHANNEL.id, 2),
    ],
    ids=["sender", "channel", "sequence"],
)
def test_7_a_content_written_for_another_place_is_refused(place: tuple[bytes, bytes, int]) -> None:
    content = Content(*place, None, None, Text("x"), None)
    with pytest.raises(DecryptionError) as refused:
        read(again(pad(encode_content(content))), ALICE, BOB)
    assert refused.value.kind == "wrong_place"


def test_7_a_member_does_not_sign_anothers_words_as_his_own() -> None:
    stolen = pad(encode_content(read(DATA, ALICE, MALLORY)))
    with pytest.raises(DecryptionError) as refused:
        read(again(stolen, by=MALLORY), MALLORY, BOB)
    assert refused.value.kind == "wrong_place"
