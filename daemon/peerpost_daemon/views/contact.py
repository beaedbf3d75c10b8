"""Contacts, and cards that the directory found."""

from base64 import b64encode

from msgspec import Struct

from peerpost_daemon import qr
from peerpost_daemon.records.contacts import Contact as StoredContact
from peerpost_daemon.records.contacts import KnownCard
from peerpost_daemon.safety_number import PREFIX, grouped
from peerpost_daemon.trust import ContactState, Policy, Trust
from peerpost_daemon.views.account import fingerprint
from peerpost_protocol.card import Card


class ContactCard(Struct, frozen=True):
    """Show a card that is known for a contact."""

    card: str
    device: str
    state: Trust
    attestation: str | None
    fingerprint: str
    first_seen_ms: int


class Contact(Struct, frozen=True):
    """Show an identity and how far it is trusted. `policy`: null where the default holds."""

    identity: str
    alias: str | None
    state: ContactState
    policy: Policy | None
    cards: list[ContactCard]


class Contacts(Struct, frozen=True):
    """Show all contacts."""

    contacts: list[Contact]


class SafetyNumber(Struct, frozen=True):
    """Show what two people compare. `qr`: rows of squares, `1` is dark; `png`: base64; both say `text`."""

    identity: str
    state: ContactState
    safety_number: str
    text: str
    qr: list[str]
    png: str


class PolicySet(Struct, frozen=True):
    """Show the policy of an identity or a channel, and the default that holds where it is null."""

    identity: str | None
    channel: str | None
    policy: Policy | None
    default: Policy


class Listed(Struct, frozen=True):
    """Show how many fingerprints a list had, and who is verified by it now."""

    listed: int
    verified: list[str]


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
    cards = [_card(known) for known in stored.cards]
    return Contact(stored.identity, stored.alias, stored.state, stored.policy, cards)


def safety_number(identity: str, state: ContactState, number: str) -> SafetyNumber:
    """Return a number of 60 digits as people compare it, and as cameras do."""
    text = f"{PREFIX}{number}"
    png = b64encode(qr.png(text)).decode()
    return SafetyNumber(identity, state, grouped(number), text, qr.squares(text), png)


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
    return ContactCard(
        id_.hex(),
        known.card.body.device,
        known.trust,
        known.attestation,
        fingerprint(id_),
        known.first_seen_ms,
    )
