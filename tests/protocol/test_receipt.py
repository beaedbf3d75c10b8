"""Receipts: a card's own word, and nobody else's."""

import msgspec
import pytest

from peerpost_protocol import limits
from peerpost_protocol.errors import MalformedError, SignatureError, TooLargeError
from peerpost_protocol.receipt import Mark, ReceiptBody, parse_receipt, sign_receipt, verify_receipt
from peerpost_protocol.signing import ENVELOPE_TYPE, RECEIPT_TYPE, Signed
from peerpost_protocol.wire import encode
from tests.support.people import NOW_MS, digest, person

BOB = person("bob")
MARK = Mark(person("alice").card.id, 7, digest("seventh"), (3, 5))
BODY = ReceiptBody(digest("channel"), BOB.card.id, 12, NOW_MS, (MARK,))


def test_a_receipt_comes_back_verified() -> None:
    receipt = verify_receipt(parse_receipt(sign_receipt(BOB.keys.signing, BODY)), BOB.card)
    assert receipt.body == BODY
    assert receipt.card == BOB.card


def test_a_receipt_for_another_card_is_refused() -> None:
    claim = parse_receipt(sign_receipt(BOB.keys.signing, BODY))
    with pytest.raises(SignatureError) as refused:
        verify_receipt(claim, person("carol").card)
    assert refused.value.kind == "wrong_card"


def test_a_receipt_made_up_by_another_is_refused() -> None:
    claim = parse_receipt(sign_receipt(person("mallory").keys.signing, BODY))
    with pytest.raises(SignatureError):
        verify_receipt(claim, BOB.card)


def test_a_receipt_with_a_changed_mark_is_refused() -> None:
    signed = sign_receipt(BOB.keys.signing, BODY)
    payload = encode(msgspec.structs.replace(BODY, position=13))
    with pytest.raises(SignatureError):
        verify_receipt(parse_receipt(Signed(payload, signed.signature)), BOB.card)


def test_a_receipt_signed_for_another_purpose_is_refused() -> None:
    claim = parse_receipt(BOB.keys.signing.sign(ENVELOPE_TYPE, encode(BODY)))
    with pytest.raises(SignatureError):
        verify_receipt(claim, BOB.card)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channel", bytes(31)),
        ("card", bytes(33)),
        ("position", -1),
        ("at_ms", 2**53),
        ("marks", (MARK,) * (limits.MAX_RECEIPT_MARKS + 1)),
    ],
)
def test_a_field_outside_its_form_is_refused_by_name(field: str, value: object) -> None:
    body = msgspec.structs.replace(BODY, **{field: value})
    with pytest.raises(MalformedError) as refused:
        parse_receipt(BOB.keys.signing.sign(RECEIPT_TYPE, encode(body)))
    assert refused.value.field == f"receipt.{field}"


def test_a_mark_with_too_much_missing_is_refused() -> None:
    mark = Mark(MARK.sender, 99, MARK.envelope, tuple(range(limits.MAX_MISSING_PER_MARK + 1)))
    body = msgspec.structs.replace(BODY, marks=(mark,))
    with pytest.raises(MalformedError, match="marks"):
        parse_receipt(sign_receipt(BOB.keys.signing, body))


def test_a_receipt_of_all_marks_fits_as_long_as_little_is_missing() -> None:
    largest = 2**53 - 1
    full = Mark(bytes(32), largest, bytes(32), (largest,) * 16)
    body = msgspec.structs.replace(BODY, marks=(full,) * limits.MAX_RECEIPT_MARKS)
    assert parse_receipt(sign_receipt(BOB.keys.signing, body)).body == body


def test_a_receipt_over_its_bound_is_not_made() -> None:
    largest = 2**53 - 1
    full = Mark(bytes(32), largest, bytes(32), (largest,) * limits.MAX_MISSING_PER_MARK)
    body = msgspec.structs.replace(BODY, marks=(full,) * limits.MAX_RECEIPT_MARKS)
    with pytest.raises(TooLargeError):
        sign_receipt(BOB.keys.signing, body)
