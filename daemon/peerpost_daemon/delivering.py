"""Decide when a message is delivered: every other card that it was sealed for has it."""

from peerpost_daemon import event_data
from peerpost_daemon.records import chains, channels, events, outbox
from peerpost_daemon.records.chains import Delivery
from peerpost_daemon.records.outbox import Outgoing
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card


def note_delivered(db: SqlConnection, channel: bytes, up_to: int, me: Card, now_ms: int) -> None:
    """Mark the messages of a channel up to a sequence that have arrived everywhere.

    Beyond the highest mark only a message for nobody else can have arrived: those rows are not looked at unless this
    account is alone in the channel.
    """
    have = chains.deliveries(db, channel)
    if have:
        up_to = min(up_to, max(delivery.sequence for delivery in have.values()))
    elif not _alone(db, channel):
        return
    for row in outbox.undelivered(db, channel, up_to):
        if arrived_everywhere(row, have, me):
            outbox.delivered(db, row.number, now_ms)
            tell_status(db, row.message, now_ms)


def _alone(db: SqlConnection, channel: bytes) -> bool:
    found = channels.find(db, channel)
    return found is not None and len(found.roster.members) == 1


def arrived_everywhere(row: Outgoing, have: dict[bytes, Delivery], me: Card) -> bool:
    """Say whether every other card has the message."""
    assert row.sequence is not None
    return all(
        card in have and have[card].covers(row.sequence) for card in row.recipients if card != me.id
    )


def tell_status(db: SqlConnection, message: bytes, now_ms: int) -> None:
    """Raise the event that says how far a message has come."""
    row = outbox.find(db, message)
    assert row is not None
    data = event_data.message_status(row)
    events.add(db, event_data.MESSAGE_STATUS, now_ms, data, channel=row.channel)
