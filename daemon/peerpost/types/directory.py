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
    state: Literal["pinned", "endorsed", "offered", "ended", "revoked"]
    attestation: str | None
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


CardState = Literal["unendorsed", "live", "replaced", "revoked"]
Reason = Literal["unspecified", "retired", "lost", "compromised", "unwanted"]


class CardShown(TypedDict):
    """One card, with what the daemon knows of it."""

    card: str
    identity: str
    device: str
    created_at_ms: int
    fingerprint: str
    state: CardState
    trusted: bool
    endorser: str | None
    predecessor: str | None


class Device(TypedDict):
    """One card of the account's own identity."""

    card: str
    device: str
    state: CardState
    this: bool
    fingerprint: str
    created_at_ms: int
    code: str | None
    endorsers: list[str]
    successor: str | None
    reason: Reason | None


class Devices(TypedDict):
    """The account's devices."""

    devices: list[Device]


class Linking(TypedDict):
    """What another device needs to approve this one."""

    identity: str
    card: str
    device: str
    waiting: bool
    code: str
    text: str
    qr: list[str]
    png: str
