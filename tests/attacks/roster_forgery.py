"""Roster events that no honest member makes: any author, any place, any change, signed by any key."""

from peerpost_protocol.roster import Change, Roster, RosterEventBody
from peerpost_protocol.signing import ROSTER_EVENT_TYPE, Signed, SigningKey
from peerpost_protocol.wire import encode


def forged_event(
    key: SigningKey, author: bytes, roster: Roster, change: Change, *, position: int | None = None
) -> Signed:
    """Return an event in the name of the card `author`, signed by `key`, that continues the roster."""
    place = roster.position + 1 if position is None else position
    body = RosterEventBody(roster.channel, place, roster.head, author, 1, change)
    return key.sign(ROSTER_EVENT_TYPE, encode(body))
