"""Cards and contacts."""

from __future__ import annotations

from typing import Literal, TypedDict

ContactState = Literal["unknown", "pinned", "verified", "changed", "blocked"]
Policy = Literal["tofu", "pin", "verified-only"]


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
    state: Literal["pinned", "endorsed", "offered", "revoked"]
    fingerprint: str
    first_seen_ms: int


class Contact(TypedDict):
    """An identity and how far it is trusted."""

    identity: str
    alias: str | None
    state: ContactState
    policy: Policy | None
    cards: list[ContactCard]


class Contacts(TypedDict):
    """All contacts."""

    contacts: list[Contact]


class SafetyNumber(TypedDict):
    """What two people compare; `qr` holds rows of squares, `png` a picture in base64."""

    identity: str
    state: ContactState
    safety_number: str
    text: str
    qr: list[str]
    png: str


class PolicySet(TypedDict):
    """A policy that was set, and the default."""

    identity: str | None
    channel: str | None
    policy: Policy | None
    default: Policy


class Listed(TypedDict):
    """How many fingerprints a list had, and who is verified by it."""

    listed: int
    verified: list[str]
