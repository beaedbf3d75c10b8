"""Decide how far messages have come.

A message is delivered when every other card that it was sealed for has it, and read when somebody of every other
identity has read it. Who is no member any more is not waited for: the relay may still bring what was sent before, and
its receipts count no more. A message that nobody has when all whom it was for are gone has failed. Other devices of
our own are not waited for, and for a card that has ended another card of its identity answers.
"""

from collections.abc import Collection, Container, Mapping, Sequence
from typing import Final

from peerpost_daemon import event_data
from peerpost_daemon.records import (
    chains,
    channels,
    events,
    outbox,
    outbox_progress,
    read_marks,
    standing,
    unwanted_blobs,
)
from peerpost_daemon.records.chains import Delivery
from peerpost_daemon.records.outgoing import OutboxState, Outgoing
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card

NOBODY_LEFT: Final = "recipients_removed"
SPAN: Final = 1_000  # sequences looked at in one read


def note_delivered(
    db: SqlConnection,
    channel: bytes,
    span: tuple[int, int],
    me: Card,
    now_ms: int,
    *,
    own: bytes = b"",
) -> None:
    """Mark the messages of a channel in a span of sequences that have arrived everywhere.

    Whoever calls names the sequences of which something is new: a card that never answers must not make every receipt
    of the others cost all that was sent. `own`: the earlier card of ours that sealed them; empty: the one in force.
    """
    note_delivered_rows(
        db, channel, outbox_progress.undelivered(db, channel, *span, own), me, now_ms
    )


def note_delivered_rows(
    db: SqlConnection, channel: bytes, rows: Sequence[Outgoing], me: Card, now_ms: int
) -> None:
    """Mark those of some rows that have arrived: rows of one card of ours, at the relay, not known to be delivered."""
    if not rows:
        return
    have, gone = chains.deliveries(db, channel, rows[0].own), Gone(db, channel)
    for row in rows:
        if arrived_everywhere(row, have, me, gone):
            tell_status_of(db, outbox_progress.delivered(db, row.number, now_ms), now_ms)


class Gone:
    """Be the cards that have ended or whose identities are members no more; looked up once, when one is missing."""

    def __init__(self, db: SqlConnection, channel: bytes) -> None:
        self._db = db
        self._channel = channel
        self._members: Container[str] | None = None
        self._successors: dict[bytes, tuple[bytes, ...]] = {}

    def others(self, row: Outgoing, me: Card) -> list[bytes]:
        """Return the cards of others that a message was sealed for; one that nobody knows is another's."""
        cards = tuple(card for card in row.recipients if card != me.id)
        if len(cards) < 2:
            return list(cards)
        ours = standing.identities_of(self._db, cards)
        return [card for card in cards if ours.get(card) != me.identity]

    def has(self, row: Outgoing, have: Mapping[bytes, Delivery], card: bytes) -> bool:
        """Say whether a card has a message, or, when it has ended, another of its identity."""
        if _has(row, have, card):
            return True
        if card not in self._successors:
            self._successors[card] = tuple(standing.succession(self._db, card))
        return any(_has(row, have, other) for other in self._successors[card])

    def among(self, cards: Collection[bytes]) -> set[bytes]:
        """Return those of the cards; one that nobody knows is waited for."""
        if self._members is None:
            channel = channels.find(self._db, self._channel)
            self._members = channel.roster.members if channel else ()
        identities = standing.identities_of(self._db, tuple(cards))
        return {card for card, identity in identities.items() if identity not in self._members}


def arrived_everywhere(row: Outgoing, have: dict[bytes, Delivery], me: Card, gone: Gone) -> bool:
    """Say whether every other card that is waited for has the message, and at least one, if there was one."""
    others = gone.others(row, me)
    missing = [card for card in others if not gone.has(row, have, card)]
    if not missing:
        return True
    return len(missing) < len(others) and not set(missing) - gone.among(missing)


def _has(row: Outgoing, have: Mapping[bytes, Delivery], card: bytes) -> bool:
    assert row.sequence is not None
    return card in have and have[card].covers(row.sequence)


def note_gone(db: SqlConnection, channel: bytes, last: int, me: Card, now_ms: int) -> None:
    """Decide anew, after members have gone, about what was sent up to a sequence, some at a time."""
    for own, sealed in ((b"", last), *outbox_progress.earlier_cards(db, channel)):
        _note_gone(db, channel, sealed, own, me=me, now_ms=now_ms)


def _note_gone(
    db: SqlConnection, channel: bytes, last: int, own: bytes, *, me: Card, now_ms: int
) -> None:
    have, gone = chains.deliveries(db, channel, own), Gone(db, channel)
    for first in range(1, last + 1, SPAN):
        for row in outbox_progress.undelivered(
            db, channel, first, min(last, first + SPAN - 1), own
        ):
            if arrived_everywhere(row, have, me, gone):
                tell_status_of(db, outbox_progress.delivered(db, row.number, now_ms), now_ms)
            elif _nobody_is_left(row, me, gone):
                outbox_progress.fail_sent(db, row.number, NOBODY_LEFT, now_ms)
                tell_status(db, row.message, now_ms)


def _nobody_is_left(row: Outgoing, me: Card, gone: Gone) -> bool:
    others = set(gone.others(row, me))
    return row.state is OutboxState.SENT and bool(others) and not others - gone.among(others)


def note_read(
    db: SqlConnection, channel: bytes, span: tuple[int, int], me: Card, now_ms: int
) -> None:
    """Mark the messages of a channel in a span of positions (after, up to) that every identity has read."""
    rows = outbox_progress.unread(db, channel, *span)
    if not rows:
        return
    marks, gone = read_marks.positions(db, channel), Gone(db, channel)
    identities = _identities(db, rows)
    absent = gone.among(identities.keys())
    waited = {card: name for card, name in identities.items() if card not in absent}
    for row in rows:
        if read_by_everybody(row, marks, waited, absent, me):
            outbox_progress.read(db, row.number, now_ms)
            tell_status(db, row.message, now_ms)


def read_by_everybody(
    row: Outgoing,
    marks: Mapping[str, int],
    identities: Mapping[bytes, str],
    absent: Container[bytes],
    me: Card,
) -> bool:
    """Say whether every other identity that is not absent has read the message; a card nobody knows has not."""
    cards = (card for card in row.recipients if card != me.id and card not in absent)
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
        if outbox_progress.fail(db, number, reason, now_ms):
            unwanted_blobs.note_failed(db, number)
            tell_status(db, message, now_ms)


def tell_status(db: SqlConnection, message: bytes, now_ms: int) -> None:
    """Raise the event that says how far a message has come; of what is no message nobody is told."""
    row = outbox.find(db, message)
    assert row is not None
    tell_status_of(db, row, now_ms)


def tell_status_of(db: SqlConnection, row: Outgoing, now_ms: int) -> None:
    """Raise that event of a row that has just been read or written."""
    if row.content is not None:
        return
    data = event_data.message_status(row)
    events.add(db, event_data.MESSAGE_STATUS, now_ms, data, channel=row.channel)
