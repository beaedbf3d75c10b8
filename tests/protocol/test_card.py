"""Cards: what they hold, what they prove, and what is refused."""

import msgspec
import pytest

from peerpost_protocol.card import CardBody, DeviceKeys, issue_card, open_card
from peerpost_protocol.errors import MalformedError, ProtocolError, SignatureError
from peerpost_protocol.signing import CARD_TYPE, ROSTER_EVENT_TYPE, Signed, identifier
from peerpost_protocol.wire import encode
from tests.support.people import NOW_MS, device_keys, digest, person

ALICE = person("alice")
SMALL_ORDER = [bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"]


def with_body(**changes: object) -> Signed:
    body = msgspec.structs.replace(ALICE.card.body, **changes)
    return ALICE.keys.signing.sign(CARD_TYPE, encode(body))


def test_an_issued_card_opens_again() -> None:
    assert open_card(ALICE.card.signed) == ALICE.card


def test_a_card_is_named_by_its_signed_bytes() -> None:
    assert ALICE.card.id == identifier(CARD_TYPE, ALICE.card.signed.payload)


def test_two_devices_of_one_identity_have_two_cards() -> None:
    phone = person("alice", device="phone")
    assert phone.identity == ALICE.identity
    assert phone.card.id != ALICE.card.id


def test_a_card_names_its_endorser_and_predecessor() -> None:
    keys = device_keys("alice")
    card = issue_card(
        keys, "a@b.c", "x", NOW_MS, endorser=digest("endorser"), predecessor=digest("old")
    )
    assert (card.body.endorser, card.body.predecessor) == (digest("endorser"), digest("old"))


def test_a_card_with_another_identity_under_the_same_signature_is_refused() -> None:
    changed = with_body(identity="mallory@example.org").payload
    with pytest.raises(SignatureError):
        open_card(Signed(changed, ALICE.card.signed.signature))


def test_a_card_signed_by_another_key_is_refused() -> None:
    payload = ALICE.card.signed.payload
    with pytest.raises(SignatureError):
        open_card(person("mallory").keys.signing.sign(CARD_TYPE, payload))


def test_a_card_signed_for_another_purpose_is_refused() -> None:
    payload = ALICE.card.signed.payload
    with pytest.raises(SignatureError):
        open_card(ALICE.keys.signing.sign(ROSTER_EVENT_TYPE, payload))


@pytest.mark.parametrize("key", SMALL_ORDER, ids=bytes.hex)
def test_a_card_that_nobody_can_seal_for_is_refused(key: bytes) -> None:
    with pytest.raises(MalformedError) as refused:
        open_card(with_body(encryption_key=key))
    assert (refused.value.kind, refused.value.field) == ("bad_public_key", "card.encryption_key")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("identity", "Alice@example.org"),
        ("identity", "alice"),
        ("identity", "\u0430lice@example.org"),
        ("identity", "a@" + "b" * 300),
        ("device", ""),
        ("device", " laptop"),
        ("device", "lap\ntop"),
        ("device", "x" * 65),
        ("signing_key", bytes(31)),
        ("encryption_key", bytes(33)),
        ("created_at_ms", -1),
        ("created_at_ms", 2**53),
        ("endorser", bytes(31)),
        ("predecessor", b""),
    ],
)
def test_a_field_outside_its_form_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(MalformedError) as refused:
        open_card(with_body(**{field: value}))
    assert refused.value.field == f"card.{field}"


@pytest.mark.parametrize(("identity", "device"), [("no address", "x"), ("a@b.c", "\ud800")])
def test_no_card_is_issued_for_a_name_outside_its_form(identity: str, device: str) -> None:
    with pytest.raises(MalformedError):
        issue_card(device_keys("x"), identity, device, NOW_MS)


def test_no_card_is_issued_for_a_time_outside_64_bits() -> None:
    with pytest.raises(MalformedError):
        issue_card(device_keys("x"), "a@b.c", "x", 2**70)


def test_the_largest_card_fits_its_bound() -> None:
    keys, identity = device_keys("x"), "a" * 64 + "@" + ".".join(["b" * 46] * 4) + "c"
    device, largest = "語" * 64, 2**53 - 1
    card = issue_card(keys, identity, device, largest, endorser=bytes(32), predecessor=bytes(32))
    assert isinstance(card.body, CardBody)


def test_bytes_behind_a_card_are_refused() -> None:
    with pytest.raises(ProtocolError):
        open_card(ALICE.keys.signing.sign(CARD_TYPE, ALICE.card.signed.payload + b"\x00"))


def test_private_keys_do_not_show() -> None:
    keys = DeviceKeys(digest("seed"), digest("scalar"))
    shown = f"{keys!r} {keys} {keys.signing!r}"
    assert digest("scalar").hex() not in shown
    assert digest("seed").hex() not in shown
    assert keys.signing.public.hex()[:16] in shown
