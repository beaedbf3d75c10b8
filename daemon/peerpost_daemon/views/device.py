"""Devices: the cards of this account's identity."""

from base64 import b64encode

from msgspec import Struct

from peerpost_daemon import link_code, qr
from peerpost_daemon.devices import Device as KnownDevice
from peerpost_daemon.safety_number import grouped
from peerpost_daemon.views.account import fingerprint
from peerpost_protocol.card import Card
from peerpost_protocol.history import CardState
from peerpost_protocol.statement import Reason


class Device(Struct, frozen=True):
    """Show a card of this identity. `this`: of this daemon; `code`: what approves it while it waits."""

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


class Devices(Struct, frozen=True):
    """Show all cards of this identity that ever counted, and those that wait."""

    devices: list[Device]


class Linking(Struct, frozen=True):
    """Show what another device needs to approve this one. `waiting`: False when this is the identity's first."""

    identity: str
    card: str
    device: str
    waiting: bool
    code: str
    text: str
    qr: list[str]
    png: str


class CardShown(Struct, frozen=True):
    """Show a card with what is known of it here."""

    card: str
    identity: str
    device: str
    created_at_ms: int
    fingerprint: str
    state: CardState
    trusted: bool
    endorser: str | None
    predecessor: str | None


def device(known: KnownDevice, own: Card) -> Device:
    """Return a device; its code only while it waits for an endorsement."""
    card, counted = known.card, known.counted
    waits = known.state is CardState.UNENDORSED
    revocation = counted.revocation if counted else None
    return Device(
        card.id.hex(),
        card.body.device,
        known.state,
        card.id == own.id,
        fingerprint(card.id),
        card.body.created_at_ms,
        grouped(link_code.code_of(card.id)) if waits else None,
        [endorser.hex() for endorser in counted.endorsers] if counted else [],
        counted.successor.hex() if counted and counted.successor else None,
        revocation.reason if revocation else None,
    )


def linking(card: Card, *, waiting: bool) -> Linking:
    """Return what the new device shows."""
    text = link_code.text_of(card.id)
    code = grouped(link_code.code_of(card.id))
    png = b64encode(qr.png(text)).decode()
    body = card.body
    return Linking(
        body.identity, card.id.hex(), body.device, waiting, code, text, qr.squares(text), png
    )


def card_shown(card: Card, state: CardState, *, trusted: bool) -> CardShown:
    """Return a card."""
    body = card.body
    return CardShown(
        card.id.hex(),
        body.identity,
        body.device,
        body.created_at_ms,
        fingerprint(card.id),
        state,
        trusted,
        body.endorser.hex() if body.endorser else None,
        body.predecessor.hex() if body.predecessor else None,
    )
