"""Envelopes: what is sealed comes back, and the first three checks of the list refuse their attacks."""

from hashlib import sha256

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

from peerpost_protocol import envelope as sealing
from peerpost_protocol import limits
from peerpost_protocol.content import Content, Correlation, Data, Text, encode_content
from peerpost_protocol.envelope import (
    Checkpoint,
    Wrap,
    parse_envelope,
    recipients_of,
    seal,
    unseal,
    verify_envelope,
)
from peerpost_protocol.errors import (
    MalformedError,
    ProtocolError,
    SignatureError,
    TooLargeError,
)
from peerpost_protocol.padding import pad
from peerpost_protocol.signing import RECEIPT_TYPE
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
    read,
    secret_of,
)
from tests.support.people import (
    Person,
    digest,
    opened,
    placement,
    random_bytes,
    sealed,
)

# --- what works


@pytest.mark.parametrize("reader", [ALICE, BOB, MALLORY], ids=lambda who: who.identity)
def test_every_recipient_reads_what_was_sealed(reader: Person) -> None:
    content = read(DATA, ALICE, reader)
    assert content == Content(ALICE.card.id, CHANNEL.id, 1, None, None, Text("the plan"), None)


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=3000), st.integers(1, limits.MAX_COUNTER))
def test_any_data_comes_back(data: bytes, sequence: int) -> None:
    place = placement(CHANNEL, sequence, digest("previous"))
    body = Data("application/octet-stream", data)
    assert read(sealed(ALICE, CHANNEL, BOB, body=body, place=place), ALICE, BOB).body == body


def test_reply_correlation_and_checkpoint_travel() -> None:
    place = msgspec.structs.replace(
        placement(CHANNEL), expires_at_ms=9, checkpoint=Checkpoint(3, digest("root"))
    )
    correlation = Correlation(digest("request")[:16], answers=True)
    data, id_ = seal(
        ALICE.keys,
        ALICE.card,
        [BOB.card],
        place,
        Text("yes"),
        random_bytes=random_bytes("x"),
        reply_to=digest("other")[:16],
        correlation=correlation,
    )
    envelope = opened(data, ALICE)
    assert (envelope.id, envelope.header.checkpoint) == (id_, Checkpoint(3, digest("root")))
    content = unseal(envelope, BOB.card.id, BOB.keys.encryption_private)
    assert (content.reply_to, content.correlation) == (digest("other")[:16], correlation)


def test_the_recipients_stand_in_the_wrap_list() -> None:
    cards = (ALICE.card.id, BOB.card.id, MALLORY.card.id)
    assert recipients_of(opened(DATA, ALICE)) == cards


def test_the_text_does_not_stand_in_the_envelope() -> None:
    assert b"the plan" not in DATA


def test_short_texts_have_one_length() -> None:
    lengths = {len(sealed(ALICE, CHANNEL, BOB, body=Text("x" * n))) for n in range(0, 120, 7)}
    assert len(lengths) == 1


def test_the_fullest_envelope_fits() -> None:
    body = Data("application/octet-stream", bytes(limits.MAX_DATA))
    everybody = [ALICE] * limits.MAX_RECIPIENT_CARDS
    assert len(sealed(ALICE, CHANNEL, *everybody, body=body)) <= limits.MAX_ENVELOPE


@pytest.mark.parametrize("count", [0, limits.MAX_RECIPIENT_CARDS + 1])
def test_nothing_is_sealed_for_nobody_or_too_many(count: int) -> None:
    cards = [BOB.card] * count
    with pytest.raises(MalformedError) as refused:
        seal(
            ALICE.keys,
            ALICE.card,
            cards,
            placement(CHANNEL),
            Text(""),
            random_bytes=random_bytes("x"),
        )
    assert refused.value.field == "recipients"


def test_too_much_is_not_sealed() -> None:
    with pytest.raises(TooLargeError):
        sealed(ALICE, CHANNEL, BOB, body=Data("a/b", bytes(limits.MAX_DATA + 1)))


# --- check 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 2),
        ("suite", 0),
        ("suite", 2),
        ("channel", bytes(31)),
        ("roster_position", -1),
        ("roster_head", b""),
        ("sender", bytes(33)),
        ("sequence", 0),
        ("sequence", 2**53),
        ("previous", b"x"),
        ("message", bytes(15)),
        ("sent_at_ms", 2**53),
        ("expires_at_ms", -1),
        ("key_commitment", b""),
        ("wraps_digest", b""),
        ("checkpoint", Checkpoint(0, b"")),
    ],
)
def test_1_a_header_outside_its_form_is_refused_by_name(field: str, value: object) -> None:
    header = encode(msgspec.structs.replace(HEADER, **{field: value}))
    with pytest.raises(MalformedError) as refused:
        parse_envelope(encode(msgspec.structs.replace(PARTS, header=header)))
    assert str(refused.value.field).startswith(f"header.{field}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("header", b""),
        ("header", bytes(limits.MAX_HEADER + 1)),
        ("wraps", b""),
        ("ciphertext", bytes(39)),
        ("signature", bytes(63)),
    ],
)
def test_1_a_part_outside_its_bounds_is_refused_by_name(field: str, value: bytes) -> None:
    with pytest.raises(MalformedError) as refused:
        parse_envelope(encode(msgspec.structs.replace(PARTS, **{field: value})))
    assert refused.value.field == f"envelope.{field}"


def test_1_an_envelope_over_its_bound_is_refused() -> None:
    with pytest.raises(MalformedError) as refused:
        parse_envelope(bytes(limits.MAX_ENVELOPE + 1))
    assert refused.value.kind == "too_large"


# --- check 2


def test_2_a_forged_envelope_is_refused() -> None:
    forged = msgspec.structs.replace(PARTS, signature=bytes(64))
    with pytest.raises(SignatureError):
        opened(encode(forged), ALICE)


def test_2_an_envelope_under_another_card_is_refused() -> None:
    with pytest.raises(SignatureError) as refused:
        opened(DATA, BOB)
    assert refused.value.kind == "wrong_card"


def test_2_a_signature_for_another_purpose_is_refused() -> None:
    statement = PARTS.header + sha256(PARTS.ciphertext).digest()
    signature = ALICE.keys.signing.signature(RECEIPT_TYPE, statement)
    with pytest.raises(SignatureError):
        opened(encode(msgspec.structs.replace(PARTS, signature=signature)), ALICE)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channel", digest("another channel")),
        ("roster_position", 9),
        ("roster_head", digest("another roster")),
        ("sequence", 2),
        ("previous", digest("another envelope")),
        ("message", bytes(16)),
        ("sent_at_ms", 1),
        ("expires_at_ms", 1),
        ("checkpoint", Checkpoint(0, bytes(32))),
    ],
)
def test_2_a_moved_reordered_or_redated_envelope_is_refused(field: str, value: object) -> None:
    header = encode(msgspec.structs.replace(HEADER, **{field: value}))
    with pytest.raises(SignatureError):
        opened(encode(msgspec.structs.replace(PARTS, header=header)), ALICE)


def test_2_a_member_does_not_put_another_ciphertext_under_the_header() -> None:
    secret, nonce = secret_of(DATA, ALICE, MALLORY), bytes(24)
    content = Content(ALICE.card.id, CHANNEL.id, 1, None, None, Text("the other plan"), None)
    key = sealing._expand(secret, sealing._KEY_LABEL)
    padded = pad(encode_content(content))
    body = crypto_aead_xchacha20poly1305_ietf_encrypt(padded, PARTS.header, nonce, key)
    with pytest.raises(SignatureError):
        opened(encode(msgspec.structs.replace(PARTS, ciphertext=nonce + body)), ALICE)


# --- check 3


@pytest.mark.parametrize(
    "wraps", [WRAPS[1:], (*WRAPS, WRAPS[0]), WRAPS[::-1]], ids=["shorter", "longer", "turned"]
)
def test_3_a_changed_wrap_list_is_refused(wraps: tuple[Wrap, ...]) -> None:
    with pytest.raises(SignatureError) as refused:
        opened(encode(msgspec.structs.replace(PARTS, wraps=encode(wraps))), ALICE)
    assert refused.value.kind == "bad_wraps"


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_flipped_byte_anywhere_is_refused(place: int, flip: int) -> None:
    changed = bytearray(DATA)
    changed[place] ^= flip
    with pytest.raises(ProtocolError):
        verify_envelope(parse_envelope(bytes(changed)), ALICE.card)
