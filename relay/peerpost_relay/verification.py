"""Verify what came: crypto only, in a worker thread; no store, no loop, no state.

Each function takes what the loop knew when the frame arrived and returns a verified thing, whose
type nothing else makes; anything wrong is raised as the protocol's error.
"""

from collections.abc import Mapping

from peerpost_protocol.backup import (
    DestructionBody,
    decode_header,
    decode_lock,
    verify_destruction,
)
from peerpost_protocol.card import Card, verify_card
from peerpost_protocol.envelope import Envelope, parse_envelope, verify_envelope
from peerpost_protocol.errors import ProtocolError, SignatureError
from peerpost_protocol.handshake import Challenge, verify_authentication
from peerpost_protocol.receipt import Receipt, parse_receipt, verify_receipt
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.roster import RosterEvent, parse_event, verify_event
from peerpost_protocol.signing import Signed
from peerpost_protocol.statement import Statement, parse_statement, verify_statement
from peerpost_relay.errors import RefusalError, refusal_of
from peerpost_relay.session import Proven
from peerpost_relay.store import StoredCard


def verified_envelope(data: bytes, proven: Proven) -> Envelope:
    """Return the envelope when the session's card sent it."""
    return verify_envelope(parse_envelope(data), proven.card)


def verified_event(
    signed: Signed, proven: Proven, cards: Mapping[bytes, StoredCard | None]
) -> RosterEvent:
    """Return the roster event when its author signed it: the session's card, or one of `cards`."""
    claim = parse_event(signed)
    if claim.body.author == proven.card.id:
        return verify_event(claim, proven.card)
    author = cards.get(claim.body.author)
    if author is None:
        raise RefusalError(Refusal.UNKNOWN_CARD, "the relay has no card of the event's author")
    return verify_event(claim, author.card)


def verified_receipt(signed: Signed, proven: Proven) -> Receipt:
    """Return the receipt when it is the session's card's own."""
    return verify_receipt(parse_receipt(signed), proven.card)


def verified_statement(signed: Signed, proven: Proven) -> Statement:
    """Return the statement when the session's card is its author."""
    return verify_statement(parse_statement(signed), proven.card)


def verified_card(signed: Signed) -> Card:
    """Return the card when it is signed by its own key. Anybody sends such cards: none is remembered."""
    return verify_card(signed)


def backup_form(header: bytes | None, lock: bytes) -> None:
    """Check that a lock, and a header if there is one, are within their formats."""
    decode_lock(lock)
    if header is not None:
        decode_header(header)


def verified_destruction(signed: Signed, proven: Proven, relay_key: bytes) -> DestructionBody:
    """Return what the session's card wants destroyed here."""
    return verify_destruction(signed, proven.card, relay_key).body


def authenticated(challenge: Challenge, stored: StoredCard | None, signature: bytes) -> Proven:
    """Return the card when its key answered this challenge; raise RefusalError."""
    if stored is None:
        raise RefusalError(Refusal.UNKNOWN_CARD, "the relay has no card with this id")
    try:
        verify_authentication(challenge, stored.card, signature)
    except SignatureError:
        raise RefusalError(
            Refusal.AUTHENTICATION_FAILED, "the answer to the challenge is not the card's"
        ) from None
    # Only after the proof: whether a card was revoked is told to its owner first.
    if stored.revoked_at_ms is not None:
        raise RefusalError(Refusal.CARD_REVOKED, "the card has been revoked")
    if stored.forsaken:
        raise RefusalError(
            Refusal.TOKEN_REFUSED, "the token that permitted this card has been revoked"
        )
    return Proven(stored.card, stored.number, stored.attestation, stored.holder, stored.rate)


def refused(error: ProtocolError | RefusalError) -> RefusalError:
    """Return the refusal for whatever verification found wrong."""
    return error if isinstance(error, RefusalError) else refusal_of(error)
