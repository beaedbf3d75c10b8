"""Decide how far messages have come.

A message is delivered when every other card that it was sealed for has it, and read when somebody of every other
identity has read it.
"""

from collections.abc import Mapping

from peerpost_daemon import event_data
from peerpost_daemon.records import chains, events, outbox, read_marks, standing
from peerpost_daemon.records.chains import Delivery
from peerpost_daemon.records.outbox import Outgoing
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card


def note_delivered(
    db: SqlConnection, channel: bytes, span: tuple[int, int], me: Card, now_ms: int
) -> None:
    """Mark the messages of a channel in a span of sequences that have arrived everywhere.

    Whoever calls names the sequences of which something is new: a card that never answers must not make every receipt
    of the others cost all that was sent.
    """
    rows = outbox.undelivered(db, channel, *span)
    if not rows:
        return
    have = chains.deliveries(db, channel)
    for row in rows:
        if arrived_everywhere(row, have, me):
            outbox.delivered(db, row.number, now_ms)
            tell_status(db, row.message, now_ms)


def arrived_everywhere(row: Outgoing, have: dict[bytes, Delivery], me: Card) -> bool:
    """Say whether every other card has the message."""
    assert row.sequence is not None
    return all(
        card in have and have[card].covers(row.sequence) for card in row.recipients if card != me.id
    )


def note_read(
    db: SqlConnection, channel: bytes, span: tuple[int, int], me: Card, now_ms: int
) -> None:
    """Mark the messages of a channel in a span of positions (after, up to) that every identity has read."""
    rows = outbox.unread(db, channel, *span)
    if not rows:
        return
    marks = read_marks.positions(db, channel)
    identities = _identities(db, rows)
    for row in rows:
        if read_by_everybody(row, marks, identities, me):
            outbox.read(db, row.number, now_ms)
            tell_status(db, row.message, now_ms)


def read_by_everybody(
    row: Outgoing, marks: Mapping[str, int], identities: Mapping[bytes, str], me: Card
) -> bool:
    """Say whether every other identity has read the message; a card nobody knows has not."""
    cards = (card for card in row.recipients if card != me.id)
    others = {identities.get(card) for card in cards} - {me.identity}
    return bool(others) and all(
        identity is not None and marks.get(identity, 0) >= (row.position or 0) > 0
        for identity in others
    )


def _identities(db: SqlConnection, rows: list[Outgoing]) -> dict[bytes, str]:
    cards = {card for row in rows for card in row.recipients}
    return standing.identities_of(db, tuple(cards))


def give_up(db: SqlConnection, rows: list[tuple[int, bytes]], reason: str, now_ms: int) -> None:
    """Fail messages (number, message) that are not at the relay, and say so."""
    for number, message in rows:
        if outbox.fail(db, number, reason, now_ms):
            tell_status(db, message, now_ms)


def tell_status(db: SqlConnection, message: bytes, now_ms: int) -> None:
    """Raise the event that says how far a message has come; of what is no message nobody is told."""
    row = outbox.find(db, message)
    assert row is not None
    if row.content is not None:
        return
    data = event_data.message_status(row)
    events.add(db, event_data.MESSAGE_STATUS, now_ms, data, channel=row.channel)
