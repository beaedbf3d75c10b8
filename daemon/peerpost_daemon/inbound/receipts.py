"""Take the others' receipts: find out which messages of ours have arrived.

Checks of a receipt, after its signature (docs/protocol/receipt.md, "Receiving"):
 1. it is for the channel in which it came, by a card that speaks for a member
 2. its mark for our card names the envelope that we sealed with that sequence
 3. and this vault knows that envelope
What does not verify raises an event: somebody makes up that a message has arrived. A card that speaks for no member any
more is passed over in silence, its receipt may have crossed the removal. A mark beyond what we sealed holds the channel
until our chain goes on above it (records/ahead). Where the vault does not know the envelope, it was restored or has
leapt: what it sealed itself, below, may be another one than the receiver has.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from peerpost_daemon import event_data
from peerpost_daemon.delivering import note_delivered
from peerpost_daemon.ids import message_text
from peerpost_daemon.inbound.opening import Recipient
from peerpost_daemon.records import (
    ahead,
    alarms,
    chains,
    channels,
    events,
    lineage,
    outbox,
    own_links,
)
from peerpost_daemon.records.chains import Delivery
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card
from peerpost_protocol.chain import Link
from peerpost_protocol.errors import ProtocolError
from peerpost_protocol.receipt import Mark, Receipt, ReceiptClaim, parse_receipt, verify_receipt
from peerpost_protocol.signing import Signed


class BadReceipt(Struct, frozen=True):
    """Be a receipt that is not believed: where it came, why, and the card it names (unverified)."""

    channel: bytes
    detail: str
    card: bytes | None = None


def parse(
    arrived: Iterable[tuple[bytes, Signed]],
) -> tuple[list[ReceiptClaim], list[BadReceipt]]:
    """Parse receipts that came in channels; what is malformed or another channel's is bad."""
    claims, bad = [], []
    for channel, signed in arrived:
        try:
            claim = parse_receipt(signed)
        except ProtocolError as error:
            bad.append(BadReceipt(channel, str(error)))
            continue
        if claim.body.channel == channel:  # 1
            claims.append(claim)
        else:
            bad.append(BadReceipt(channel, "it is another channel's", claim.body.card))
    return claims, bad


def verify(
    claims: Iterable[ReceiptClaim], cards: Mapping[bytes, Card]
) -> tuple[list[Receipt], list[BadReceipt]]:
    """Return the receipts that verify, and those that do not."""
    verified, bad = [], []
    for claim in claims:
        body = claim.body
        card = cards.get(body.card)
        if card is None:
            bad.append(BadReceipt(body.channel, "its card cannot be had", body.card))
            continue
        try:
            verified.append(verify_receipt(claim, card))
        except ProtocolError as error:
            bad.append(BadReceipt(body.channel, str(error), body.card))
    return verified, bad


def warn(db: SqlConnection, bad: BadReceipt, now_ms: int) -> None:
    """Raise the event that says why a receipt is not believed."""
    data = event_data.QuarantineData(
        reason="bad_receipt",
        channel=bad.channel.hex(),
        from_card=bad.card.hex() if bad.card else None,
        message=None,
        sequence=None,
        position=None,
        detail=bad.detail,
    )
    events.add(db, event_data.QUARANTINE, now_ms, data, channel=bad.channel)


def take(db: SqlConnection, receipt: Receipt, me: Recipient, now_ms: int) -> bool:
    """Store what a receipt says of our envelopes and what follows from it; return whether its card is ahead of us."""
    body = receipt.body
    channel = channels.find(db, body.channel)
    if channel is None or lineage.speaks(db, channel.roster, receipt.card) is None:  # 1
        return False
    is_ahead = False
    for mark in body.marks:
        if me.own(mark.sender) is not None:
            own = mark.sender if mark.sender != me.card.id else b""
            if not own and mark.sequence > _sealed(channel):
                is_ahead = True
                _surpassed(db, channel, receipt, mark, now_ms)
            else:
                _take_mark(db, receipt, mark, own, me=me.card, now_ms=now_ms)
    return is_ahead


def _sealed(channel: Channel) -> int:
    return channel.own.sequence if channel.own else 0


def _surpassed(
    db: SqlConnection, channel: Channel, receipt: Receipt, mark: Mark, now_ms: int
) -> None:
    """Hold a channel whose receiver is ahead of us; where it is too far ahead to be believed, only say so."""
    identity = receipt.card.identity
    detail = (
        f"{identity} has {mark.sequence} in {channel.roster.name}, we sealed {_sealed(channel)}"
    )
    if ahead.is_within_reach(channel, mark.sequence):
        link = Link(mark.sequence, mark.envelope)
        ahead.note(db, ahead.Ahead(channel.id, link, identity))
    else:
        detail += "; that is too far to be believed"
    alarms.sound(db, "receivers_ahead", detail, now_ms, channel.id)
    _mismatch(db, receipt, mark, None, now_ms)


def _take_mark(
    db: SqlConnection, receipt: Receipt, mark: Mark, own: bytes, *, me: Card, now_ms: int
) -> None:
    """Take what a receipt says of one of our cards; `own`: an earlier one, empty for the one in force."""
    body = receipt.body
    row = outbox.by_sequence(db, body.channel, mark.sequence, own)
    known = own_links.known(db, body.channel, mark.sequence, own)
    if known is None:  # 3
        return
    if known.id != mark.envelope:  # 2
        _mismatch(db, receipt, mark, row.message if row else None, now_ms)
        return
    delivery = Delivery(mark.sequence, mark.missing)
    before = chains.deliveries(db, body.channel, own).get(receipt.card.id)
    if chains.note_delivery(db, body.channel, receipt.card.id, delivery, own):
        data = event_data.ReceiptData(
            body.channel.hex(), receipt.card.id.hex(), receipt.card.identity, mark.sequence
        )
        events.add(db, event_data.RECEIPT, now_ms, data, channel=body.channel)
        span = _first_news(before), mark.sequence
        note_delivered(db, body.channel, span, me, now_ms, own=own)


def _first_news(before: Delivery | None) -> int:
    """Return the first sequence of which an earlier receipt did not say all that this one can say."""
    if before is None:
        return 1
    return min((*before.missing, before.sequence + 1))


def _mismatch(
    db: SqlConnection, receipt: Receipt, mark: Mark, message: bytes | None, now_ms: int
) -> None:
    data = event_data.QuarantineData(
        reason="receipt_mismatch",
        channel=receipt.body.channel.hex(),
        from_card=receipt.card.id.hex(),
        message=message_text(message) if message else None,
        sequence=mark.sequence,
        position=None,
        detail="the receipt is for another envelope than the one we sealed",
    )
    events.add(db, event_data.QUARANTINE, now_ms, data, channel=receipt.body.channel)
