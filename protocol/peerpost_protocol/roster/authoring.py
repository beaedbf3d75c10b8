"""Make events: an author signs nothing that the others would refuse."""

from collections.abc import Collection

from peerpost_protocol import limits
from peerpost_protocol.card import Card
from peerpost_protocol.roster.changes import Change
from peerpost_protocol.roster.events import (
    RosterEvent,
    RosterEventBody,
    parse_event,
    verify_event,
)
from peerpost_protocol.roster.rules import apply_event
from peerpost_protocol.roster.state import Roster
from peerpost_protocol.signing import ROSTER_EVENT_TYPE, SigningKey
from peerpost_protocol.wire import encode


def sign_event(
    key: SigningKey,
    author: Card,
    roster: Roster | None,
    change: Change,
    at_ms: int,
    *,
    kin: Collection[bytes] = (),
) -> RosterEvent:
    """Make the event that applies `change` to `roster` (None: begin a channel with `Create`).

    `kin`: ids of cards that descend from a card listed for the author's identity.
    """
    body = RosterEventBody(
        roster.channel if roster else None,
        roster.position + 1 if roster else 0,
        roster.head if roster else None,
        author.id,
        at_ms,
        change,
    )
    payload = encode(body, limit=limits.MAX_ROSTER_EVENT)
    event = verify_event(parse_event(key.sign(ROSTER_EVENT_TYPE, payload)), author)
    apply_event(roster, event, kin)
    return event
