"""Envelopes: what is sealed comes back, and each check of the list refuses its attack."""

from collections.abc import Sequence
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

from peerpost_protocol import envelope as sealing
from peerpost_protocol import hpke, limits
from peerpost_protocol.content import Content, Correlation, Data, Text, encode_content
from peerpost_protocol.envelope import (
    Checkpoint,
    EnvelopeParts,
    Header,
    Wrap,
    parse_envelope,
    recipients_of,
    seal,
    unseal,
    verify_envelope,
)
from peerpost_protocol.errors import (
    DecryptionError,
    MalformedError,
    ProtocolError,
    SignatureError,
    TooLargeError,
)
from peerpost_protocol.padding import pad
from peerpost_protocol.signing import ENVELOPE_TYPE, RECEIPT_TYPE
from peerpost_protocol.wire import encode
from tests.support.people import (
    Person,
    channel_of,
    digest,
    opened,
    person,
    placement,
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


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_flipped_byte_anywhere_is_refused(place: int, flip: int) -> None:
    changed = bytearray(DATA)
    changed[place] ^= flip
    with pytest.raises(ProtocolError):
        verify_envelope(parse_envelope(bytes(changed)), ALICE.card)
