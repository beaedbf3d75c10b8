"""How far a message of this account has come."""

from msgspec import Struct

from peerpost_daemon.delivering import Gone
from peerpost_daemon.event_data import message_status
from peerpost_daemon.ids import message_text
from peerpost_daemon.records import answers, chains, read_marks, standing
from peerpost_daemon.records.account import Account
from peerpost_daemon.records.messages import StoredMessage
from peerpost_daemon.records.outgoing import OutboxState, Outgoing
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.views.message import Message, message
from peerpost_daemon.views.words import DeliveryStatus


class Recipient(Struct, frozen=True):
    """Show a card that the message was sealed for, whether it has it, and whether its identity has read it.

    `member`: its identity is in the channel; the message does not wait for who is not.
    """

    identity: str
    card: str
    delivered: bool
    read: bool
    member: bool


class Step(Struct, frozen=True):
    """Show a step in the life of a message: what it became, when, and why if it failed."""

    status: DeliveryStatus
    at_ms: int
    reason: str | None


class Delivery(Struct, frozen=True, rename={"sender": "from"}):
    """Show how far a message has come; `recipients` are known once it is sealed, `answers` are those to a request.

    Of what others sent it is known when they say they sent it, and when it was received and read here.
    """

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
    read_at_ms: int | None
    attempts: int
    recipients: list[Recipient]
    history: list[Step]
    send_at_ms: int | None
    answers: list[Message]
    sender: str


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
        data.read_at_ms,
        outgoing.attempts,
        _recipients(db, outgoing, own),
        _history(outgoing),
        outgoing.not_before_ms,
        _answers(db, outgoing),
        own.identity,
    )


def received(db: SqlConnection, stored: StoredMessage, own: Account) -> Delivery:
    """Return what is known of a message that somebody else sent."""
    said = stored.message
    read_at_ms = read_marks.read_at_ms(db, said.channel, own.identity, said.position)
    times: tuple[tuple[DeliveryStatus, int | None], ...] = (
        ("sent", said.sent_at_ms),
        ("delivered", said.received_at_ms),
        ("read", read_at_ms),
    )
    history = [Step(status, at_ms, None) for status, at_ms in times if at_ms is not None]
    return Delivery(
        message=message_text(said.id),
        channel=said.channel.hex() if said.channel else None,
        to=None,
        status=history[-1].status,
        reason=None,
        sequence=said.sequence,
        position=said.position,
        queued_at_ms=said.sent_at_ms,
        sent_at_ms=said.sent_at_ms,
        delivered_at_ms=said.received_at_ms,
        read_at_ms=read_at_ms,
        attempts=0,
        recipients=[],
        history=history,
        send_at_ms=None,
        answers=[],
        sender=said.identity,
    )


def _answers(db: SqlConnection, outgoing: Outgoing) -> list[Message]:
    if outgoing.channel is None or outgoing.state == OutboxState.QUEUED:
        return []
    found = answers.to(db, outgoing.message)
    return [message(one, one.channel_name) for one in found]


def _history(outgoing: Outgoing) -> list[Step]:
    """Return the steps a message has taken, in the order of a life; clocks may have jumped meanwhile."""
    times: tuple[tuple[DeliveryStatus, int | None], ...] = (
        ("queued", outgoing.queued_at_ms),
        ("sent", outgoing.sent_at_ms),
        ("delivered", outgoing.delivered_at_ms),
        ("read", outgoing.read_at_ms),
        ("failed", outgoing.failed_at_ms),
    )
    return [
        Step(status, at_ms, outgoing.reason if status == "failed" else None)
        for status, at_ms in times
        if at_ms is not None
    ]


def _recipients(db: SqlConnection, outgoing: Outgoing, own: Account) -> list[Recipient]:
    cards = tuple(card for card in outgoing.recipients if card not in (own.card.id, outgoing.own))
    if not cards or outgoing.channel is None or outgoing.sequence is None:
        return []
    identities, gone = standing.identities_of(db, cards), Gone(db, outgoing.channel).among(cards)
    marks = chains.deliveries(db, outgoing.channel, outgoing.own)
    read = read_marks.positions(db, outgoing.channel)
    sequence, position = outgoing.sequence, outgoing.position
    return [
        Recipient(
            identities.get(card, ""),
            card.hex(),
            delivered=(mark := marks.get(card)) is not None and mark.covers(sequence),
            read=position is not None and read.get(identities.get(card, ""), 0) >= position,
            member=card not in gone,
        )
        for card in cards
    ]
