"""Release what was held back of senders that are believed by now, in the order in which it was held.

A person's judgement, an endorsement or a policy may make a card believed. What it had sent is opened again and taken
as if it came now; what is then found wrong goes back into quarantine with its other reason.
"""

from collections.abc import Sequence

from msgspec import Struct

from peerpost_daemon.inbound import opening, taking
from peerpost_daemon.inbound.opening import Opened, Recipient, Taking
from peerpost_daemon.records import contacts, policies, quarantine
from peerpost_daemon.trust import shows
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card
from peerpost_protocol.frames import Item, ItemKind

MAX_RELEASED = 64
"""Quarantined messages that are released together; a judgement goes on until none is left."""

Reopened = list[tuple[quarantine.Held, list[tuple[Item, Opened]]]]


class Releasable(Struct, frozen=True):
    """Be the next envelopes whose senders are believed now, and these senders' cards."""

    cards: tuple[Card, ...]
    envelopes: tuple[quarantine.Held, ...]


def releasable(db: SqlConnection) -> Releasable:
    """Return what can be released, the oldest first."""
    found: list[quarantine.Held] = []
    cards: dict[bytes, Card] = {}
    for card, channel in quarantine.held_back(db, taking.HELD_BACK):
        if (known := contacts.card(db, card)) is not None and _admitted(db, card, channel):
            cards[card] = known.card
            found += quarantine.held_of(db, card, channel, taking.HELD_BACK, MAX_RELEASED)
    found.sort(key=lambda held: held.number)
    return Releasable(tuple(cards.values()), tuple(found[:MAX_RELEASED]))


def reopen(these: Releasable, me: Recipient) -> Reopened:
    """Verify and decrypt what is released; pure, for a thread."""
    cards = {card.id: card for card in these.cards}
    parsed = [(held, opening.parse([_item(held)])) for held in these.envelopes]
    return [(held, opening.open_items(one, cards, me)) for held, one in parsed]


def release(db: SqlConnection, reopened: Reopened, taken: Taking) -> None:
    """Take what was reopened."""
    for held, items in reopened:
        quarantine.release(db, held.number)
        _take(db, held.channel, items, taken)


def _take(
    db: SqlConnection, channel: bytes, items: Sequence[tuple[Item, Opened]], taken: Taking
) -> None:
    for item, thing in items:
        taking.release(db, channel, item, thing, taken)


def _admitted(db: SqlConnection, card: bytes, channel: bytes) -> bool:
    known, standing = contacts.card(db, card), contacts.standing(db, card)
    if known is None or standing is None:
        return False
    policy = policies.in_force(db, known.card.identity, channel)
    return shows(policy, standing.state, standing.trust)


def _item(held: quarantine.Held) -> Item:
    return Item(held.position, ItemKind.ENVELOPE, held.stored_at_ms, held.body)
