"""Receipts that we owe: complete, and never too large to be posted."""

from peerpost_daemon.outbound.receipts import _sign
from peerpost_protocol.limits import MAX_COUNTER, MAX_MISSING_PER_MARK, MAX_RECEIPT_MARKS
from peerpost_protocol.receipt import Mark, ReceiptBody, parse_receipt
from tests.support.people import NOW_MS, digest, person


def test_a_receipt_that_is_too_large_leaves_out_the_marks_that_miss_most() -> None:
    bob = person("bob")
    holes = tuple(range(MAX_COUNTER - MAX_MISSING_PER_MARK, MAX_COUNTER))
    marks = [
        Mark(digest(f"sender {n}"), MAX_COUNTER, digest("envelope"), holes if n % 2 else ())
        for n in range(MAX_RECEIPT_MARKS)
    ]
    body = ReceiptBody(digest("ops"), bob.card.id, 1, NOW_MS, tuple(marks))
    kept = parse_receipt(_sign(bob.keys.signing, body)).body.marks
    assert set(kept) <= set(marks)
    assert [mark for mark in marks if not mark.missing] == [m for m in kept if not m.missing]
