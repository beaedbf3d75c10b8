"""Receipts: a card's signed word that it has stored envelopes, as watermarks per channel.

`position` is for the relay: where this card stands in the channel's stream. The marks are for the senders: up to which
sequence of theirs the card has stored everything, by the identifier of that envelope, and which ones before it never
came. A relay cannot make up a delivery, because it cannot sign a mark. A receipt is complete: it carries a mark for
every sender the card has stored something of, so the newest one replaces all before it.
"""

from typing import Annotated

from msgspec import Meta, Struct

from peerpost_protocol import limits
from peerpost_protocol.card import Card
from peerpost_protocol.errors import SignatureError
from peerpost_protocol.signing import RECEIPT_TYPE, Signed, SigningKey, verify
from peerpost_protocol.wire import Counter, Decoder, Digest, Milliseconds, WireStruct, encode

Missing = Annotated[tuple[Counter, ...], Meta(max_length=limits.MAX_MISSING_PER_MARK)]


class Mark(WireStruct, frozen=True):
    """Be one sender's watermark: the envelope stored last, and the sequences before it that are missing."""

    sender: Digest
    sequence: Counter
    envelope: Digest
    missing: Missing


class ReceiptBody(WireStruct, frozen=True):
    """Say what a receipt says: one mark for each sender the card has stored something of."""

    channel: Digest
    card: Digest
    position: Counter
    at_ms: Milliseconds
    marks: Annotated[tuple[Mark, ...], Meta(max_length=limits.MAX_RECEIPT_MARKS)]


class ReceiptClaim(Struct, frozen=True):
    """Be a receipt that has been parsed and not verified."""

    body: ReceiptBody
    signed: Signed


class Receipt(Struct, frozen=True):
    """Be a receipt whose signature has been verified."""

    body: ReceiptBody
    card: Card
    signed: Signed


_decode = Decoder[ReceiptBody](ReceiptBody, "receipt", limits.MAX_RECEIPT)


def sign_receipt(key: SigningKey, body: ReceiptBody) -> Signed:
    """Return the signed receipt; raise TooLargeError."""
    return key.sign(RECEIPT_TYPE, encode(body, limit=limits.MAX_RECEIPT))


def parse_receipt(signed: Signed) -> ReceiptClaim:
    """Return the unverified claim; raise MalformedError."""
    return ReceiptClaim(_decode(signed.payload), signed)


def verify_receipt(claim: ReceiptClaim, card: Card) -> Receipt:
    """Return the receipt when `card` is the one it names and signed it; raise SignatureError."""
    if claim.body.card != card.id:
        raise SignatureError("wrong_card", "the receipt names another card")
    signed = claim.signed
    verify(card.body.signing_key, RECEIPT_TYPE, signed.payload, signed.signature)
    return Receipt(claim.body, card, signed)
