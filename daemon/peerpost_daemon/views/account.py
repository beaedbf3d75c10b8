"""The account and the fingerprint of a card."""

from typing import Final, Literal

from msgspec import Struct

from peerpost_daemon.records.account import Account as StoredAccount

_FINGERPRINT_BYTES: Final = 20
_GROUP: Final = 4


class Account(Struct, frozen=True):
    """Show the identity and the card of this daemon."""

    identity: str
    device: str
    card: str
    fingerprint: str
    relay: str | None
    state: Literal["pending", "registered", "refused"]
    reason: str | None
    attestation: str | None
    created_at_ms: int


def fingerprint(card: bytes) -> str:
    """Return the beginning of a card's id as people compare it: groups of four digits."""
    digits = card[:_FINGERPRINT_BYTES].hex().upper()
    return " ".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))


def account(stored: StoredAccount, relay: str | None) -> Account:
    """Return the account; `relay` is what counts if the account itself names none."""
    return Account(
        stored.identity,
        stored.card.body.device,
        stored.card.id.hex(),
        fingerprint(stored.card.id),
        stored.relay or relay,
        stored.state,  # type: ignore[arg-type]  # the schema's own words
        stored.reason,
        stored.attestation,
        stored.created_at_ms,
    )
