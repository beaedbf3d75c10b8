"""How far a message of this account has come."""

from typing import Literal

from msgspec import Struct

from peerpost_daemon.event_data import message_status
from peerpost_daemon.records import chains, standing
from peerpost_daemon.records.account import Account
from peerpost_daemon.records.outbox import Outgoing
from peerpost_daemon.vault.connection import SqlConnection

DeliveryStatus = Literal["queued", "sent", "delivered", "read", "failed"]


class Recipient(Struct, frozen=True):
    """Show a card that the message was sealed for, and whether it has it."""

    identity: str
    card: str
    delivered: bool


class Delivery(Struct, frozen=True):
    """Show how far a message has come; `recipients` are known once it is sealed."""

    message: str
    channel: str | None
    to: str | None
    status: DeliveryStatus
    reason: str | None
    sequence: int | None
    position: int | None
    queued_at_ms: int
    sent_at_ms: int | None
    delivered_at_ms: int | None
    recipients: list[Recipient]


def delivery(db: SqlConnection, outgoing: Outgoing, own: Account) -> Delivery:
    """Return how far a message has come, card by card; this card is no recipient of its own."""
    data = message_status(outgoing)
    return Delivery(
        data.message,
        data.channel,
        data.to,
        data.status,  # type: ignore[arg-type]  # the outbox's own words
        data.reason,
        data.sequence,
        data.position,
        data.queued_at_ms,
        data.sent_at_ms,
        data.delivered_at_ms,
        _recipients(db, outgoing, own),
    )


def _recipients(db: SqlConnection, outgoing: Outgoing, own: Account) -> list[Recipient]:
    cards = tuple(card for card in outgoing.recipients if card != own.card.id)
    if not cards or outgoing.channel is None or outgoing.sequence is None:
        return []
    identities = standing.identities_of(db, cards)
    marks = chains.deliveries(db, outgoing.channel)
    sequence = outgoing.sequence
    return [
        Recipient(
            identities.get(card, ""),
            card.hex(),
            delivered=(mark := marks.get(card)) is not None and mark.covers(sequence),
        )
        for card in cards
    ]
