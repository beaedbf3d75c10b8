"""Cards and contacts."""

from __future__ import annotations

from typing import Literal, TypedDict


class Card(TypedDict):
    """One device of an identity, as the relay's directory shows it."""

    card: str
    identity: str
    device: str
    created_at_ms: int
    attestation: str | None
    fingerprint: str
    trusted: bool


class Cards(TypedDict):
    """The cards found."""

    cards: list[Card]


class ContactCard(TypedDict):
    """One card that this daemon knows for a contact."""

    card: str
    device: str
    state: Literal["pinned", "offered"]
    fingerprint: str
    first_seen_ms: int


class Contact(TypedDict):
    """An identity and how far it is trusted."""

    identity: str
    state: Literal["pinned", "verified", "changed", "blocked"]
    cards: list[ContactCard]


class Contacts(TypedDict):
    """All contacts."""

    contacts: list[Contact]
