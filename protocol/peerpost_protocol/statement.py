"""Statements about cards: a card of an identity endorses another, revokes one, or names its successor.

A statement stands at one place of one history (history.py): `position` and `previous` are signed, so it cannot be
replayed, moved, or carried over to another history. The operator of a relay may revoke and nothing else; what it signs
has another type, so it never passes for the word of a card.
"""

from enum import StrEnum

from msgspec import Struct

from peerpost_protocol import limits
from peerpost_protocol.card import Card
from peerpost_protocol.errors import SignatureError
from peerpost_protocol.identity import Identity
from peerpost_protocol.signing import (
    OPERATOR_STATEMENT_TYPE,
    STATEMENT_TYPE,
    Signed,
    SigningKey,
    identifier,
    verify,
)
from peerpost_protocol.wire import Counter, Decoder, Digest, Milliseconds, WireStruct, encode


class Reason(StrEnum):
    """Say why a card was revoked; everybody reads it, so it is one of a few words."""

    UNSPECIFIED = "unspecified"
    RETIRED = "retired"
    LOST = "lost"
    COMPROMISED = "compromised"
    UNWANTED = "unwanted"


class Endorse(WireStruct, frozen=True, tag="endorse"):
    """Vouch for the subject: it is a device of the same identity."""


class Revoke(WireStruct, frozen=True, tag="revoke"):
    """End the subject for good."""

    reason: Reason


class Succeed(WireStruct, frozen=True, tag="succeed"):
    """Put the subject in the place of the author, which ends."""


Claim = Endorse | Revoke | Succeed


class StatementBody(WireStruct, frozen=True):
    """Say what a statement says. `author`: a card's id; in an operator's statement the relay's key."""

    author: Digest
    subject: Digest
    identity: Identity
    at_ms: Milliseconds
    position: Counter
    previous: Digest
    claim: Claim


class StatementClaim(Struct, frozen=True):
    """Be a statement that has been parsed and not verified: good for finding the author's card."""

    id: bytes
    body: StatementBody
    signed: Signed


class Statement(Struct, frozen=True):
    """Be a statement whose signature has been verified; `operator`: with the relay's key."""

    id: bytes
    body: StatementBody
    signed: Signed
    operator: bool


_decode = Decoder[StatementBody](StatementBody, "statement", limits.MAX_STATEMENT)


def sign_statement(key: SigningKey, body: StatementBody) -> Signed:
    """Return the statement signed by its author's card."""
    return key.sign(STATEMENT_TYPE, encode(body, limit=limits.MAX_STATEMENT))


def sign_operator_statement(key: SigningKey, body: StatementBody) -> Signed:
    """Return the statement signed by the relay's key, which `body.author` has to be."""
    return key.sign(OPERATOR_STATEMENT_TYPE, encode(body, limit=limits.MAX_STATEMENT))


def parse_statement(signed: Signed) -> StatementClaim:
    """Return the unverified claim; raise MalformedError."""
    body = _decode(signed.payload)
    return StatementClaim(identifier(STATEMENT_TYPE, signed.payload), body, signed)


def verify_statement(claim: StatementClaim, author: Card) -> Statement:
    """Return the statement when `author` is the card it names and signed it; raise SignatureError."""
    if author.id != claim.body.author:
        raise SignatureError("wrong_card", "the statement names another card as its author")
    signed = claim.signed
    verify(author.body.signing_key, STATEMENT_TYPE, signed.payload, signed.signature)
    return Statement(claim.id, claim.body, signed, operator=False)


def open_operator_statement(signed: Signed, relay: bytes) -> Statement:
    """Return the verified statement of the relay with this key; raise MalformedError or SignatureError."""
    body = _decode(signed.payload)
    if body.author != relay:
        raise SignatureError("wrong_card", "the statement names another relay as its author")
    verify(relay, OPERATOR_STATEMENT_TYPE, signed.payload, signed.signature)
    id_ = identifier(OPERATOR_STATEMENT_TYPE, signed.payload)
    return Statement(id_, body, signed, operator=True)
