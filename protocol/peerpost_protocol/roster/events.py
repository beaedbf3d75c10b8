"""Roster events: their signed form, and the door from bytes to a verified event."""

from msgspec import Struct

from peerpost_protocol import limits
from peerpost_protocol.card import Card
from peerpost_protocol.errors import SignatureError
from peerpost_protocol.roster.changes import Change
from peerpost_protocol.signing import ROSTER_EVENT_TYPE, Signed, identifier, verify
from peerpost_protocol.wire import Counter, Decoder, Digest, Milliseconds, WireStruct


class RosterEventBody(WireStruct, frozen=True):
    """Say what an event says. `channel` and `previous` are null in the first event only."""

    channel: Digest | None
    position: Counter
    previous: Digest | None
    author: Digest
    at_ms: Milliseconds
    change: Change


class RosterClaim(Struct, frozen=True):
    """Be an event that has been parsed and not verified: good for finding the author's card."""

    id: bytes
    body: RosterEventBody
    signed: Signed


class RosterEvent(Struct, frozen=True):
    """Be an event whose author's signature has been verified; `channel` is never null."""

    id: bytes
    channel: bytes
    body: RosterEventBody
    author: Card
    signed: Signed


_decode = Decoder[RosterEventBody](RosterEventBody, "roster_event", limits.MAX_ROSTER_EVENT)


def parse_event(signed: Signed) -> RosterClaim:
    """Return the unverified claim; raise MalformedError."""
    body = _decode(signed.payload)
    return RosterClaim(identifier(ROSTER_EVENT_TYPE, signed.payload), body, signed)


def verify_event(claim: RosterClaim, author: Card) -> RosterEvent:
    """Return the event when `author` is the card it names and signed it; raise SignatureError."""
    if author.id != claim.body.author:
        raise SignatureError("wrong_card", "the event names another card as its author")
    signed = claim.signed
    verify(author.body.signing_key, ROSTER_EVENT_TYPE, signed.payload, signed.signature)
    return RosterEvent(claim.id, claim.body.channel or claim.id, claim.body, author, signed)
