"""Seal a batch: rows of the outbox become envelopes, each linked to the one before it in its channel.

Pure, and run in the vault's thread (round.py). What cannot be sealed (expired, too large) takes no sequence, so the
chain has no hole for it.
"""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, structs

from peerpost_daemon.records.bodies import decode_body, decode_presentation
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.records.outbox import Waiting
from peerpost_daemon.records.outbox_seals import Sealed
from peerpost_daemon.records.outgoing import OutboxState
from peerpost_protocol.card import Card, DeviceKeys
from peerpost_protocol.chain import Link
from peerpost_protocol.content import Body, Correlation, Data, Files, Text
from peerpost_protocol.envelope import Checkpoint, Placement, seal
from peerpost_protocol.errors import ProtocolError


class Sender(Struct, frozen=True):
    """Be the card that sends, with its keys and a cryptographic source of randomness."""

    card: Card
    keys: DeviceKeys
    random_bytes: Callable[[int], bytes]


class Destination(Struct, frozen=True):
    """Be a channel with the cards that envelopes in it are sealed for, our own included."""

    channel: Channel
    recipients: tuple[Card, ...]
    checkpoint: Checkpoint | None = None  # how much is known here of the members' histories


class Failed(Struct, frozen=True):
    """Be a row that will never be sealed, with the reason."""

    number: int
    message: bytes
    reason: str


class Batch(Struct, frozen=True):
    """Be what sealing gave: rows with their bytes, rows given up, and each channel's new link."""

    sealed: tuple[tuple[Waiting, Sealed], ...]
    failed: tuple[Failed, ...]
    links: dict[bytes, Link]


def seal_rows(
    rows: Iterable[Waiting], destinations: Mapping[bytes, Destination], sender: Sender, now_ms: int
) -> Batch:
    """Seal queued rows, whose channels are all in `destinations`, in their order."""
    sealed: list[tuple[Waiting, Sealed]] = []
    failed: list[Failed] = []
    links: dict[bytes, Link] = {}
    for row in rows:
        channel = row.outgoing.channel
        assert channel is not None
        destination = destinations[channel]
        last = links.get(channel, destination.channel.own)
        try:
            done = _seal(row, destination, last, sender, now_ms)
        except ProtocolError as error:
            failed.append(Failed(row.outgoing.number, row.outgoing.message, error.kind))
            continue
        sealed.append((row, done))
        links[channel] = Link(done.sequence, done.envelope_id)
    return Batch(tuple(sealed), tuple(failed), links)


def body_of(row: Waiting) -> Body:
    """Return the content body of a row; raise ProtocolError when what it said has been removed."""
    if row.outgoing.content:
        return decode_body(row.outgoing.content)
    if row.outgoing.content is not None or row.body is None:
        raise ProtocolError("removed", "what it said has been removed")
    body = row.body
    if row.files:
        return Files(body.decode(), row.files)
    return Text(body.decode()) if row.media_type is None else Data(row.media_type, body)


def correlation_of(row: Waiting) -> Correlation | None:
    """Return what ties a row to its request."""
    return None if row.request is None else Correlation(row.request, row.answers)


def _seal(
    row: Waiting, destination: Destination, last: Link | None, sender: Sender, now_ms: int
) -> Sealed:
    outgoing, roster = row.outgoing, destination.channel.roster
    if outgoing.expires_at_ms is not None and outgoing.expires_at_ms <= now_ms:
        raise ProtocolError("expired", "it expired before it could be sent")
    place = Placement(
        channel=roster.channel,
        roster_position=roster.position,
        roster_head=roster.head,
        sequence=last.sequence + 1 if last else 1,
        previous=last.id if last else None,
        message=outgoing.message,
        sent_at_ms=outgoing.not_before_ms or outgoing.queued_at_ms,
        expires_at_ms=outgoing.expires_at_ms,
        checkpoint=destination.checkpoint,
    )
    envelope, id_ = seal(
        sender.keys,
        sender.card,
        destination.recipients,
        place,
        body_of(row),
        random_bytes=sender.random_bytes,
        reply_to=row.reply_to,
        correlation=correlation_of(row),
        presentation=decode_presentation(row.presentation),
    )
    cards = tuple(card.id for card in destination.recipients)
    return Sealed(outgoing.number, place.sequence, envelope, id_, cards)


def with_bytes(row: Waiting, sealed: Sealed) -> Waiting:
    """Return the row as it is once its seal is stored."""
    outgoing = structs.replace(
        row.outgoing,
        state=OutboxState.SEALED,
        attempts=row.outgoing.attempts + 1,
        sequence=sealed.sequence,
        envelope_id=sealed.envelope_id,
        recipients=sealed.recipients,
    )
    return structs.replace(row, outgoing=outgoing, envelope=sealed.envelope)
