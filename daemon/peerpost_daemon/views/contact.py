"""Contacts, and cards that the directory found."""

from msgspec import Struct

from peerpost_daemon.records.contacts import Contact as StoredContact
from peerpost_daemon.records.contacts import ContactState, KnownCard, Trust
from peerpost_daemon.views.account import fingerprint
from peerpost_protocol.card import Card


class ContactCard(Struct, frozen=True):
    """Show a card that is known for a contact."""

    card: str
    device: str
    state: Trust
    fingerprint: str
    first_seen_ms: int


class Contact(Struct, frozen=True):
    """Show an identity and how far it is trusted."""

    identity: str
    state: ContactState
    cards: list[ContactCard]


class Contacts(Struct, frozen=True):
    """Show all contacts."""

    contacts: list[Contact]


class CardFound(Struct, frozen=True):
    """Show a live card as the relay's directory has it, and whether it is trusted here."""

    card: str
    identity: str
    device: str
    created_at_ms: int
    attestation: str | None
    fingerprint: str
    trusted: bool


class CardsFound(Struct, frozen=True):
    """Show the cards that were found."""

    cards: list[CardFound]


def contact(stored: StoredContact) -> Contact:
    """Return a contact with its cards, oldest first."""
    return Contact(stored.identity, stored.state, [_card(known) for known in stored.cards])


def card_found(card: Card, attestation: str, *, trusted: bool) -> CardFound:
    """Return a card of the directory."""
    body = card.body
    return CardFound(
        card.id.hex(),
        body.identity,
        body.device,
        body.created_at_ms,
        attestation,
        fingerprint(card.id),
        trusted,
    )


def _card(known: KnownCard) -> ContactCard:
    id_ = known.card.id
    device = known.card.body.device
    return ContactCard(id_.hex(), device, known.trust, fingerprint(id_), known.first_seen_ms)
