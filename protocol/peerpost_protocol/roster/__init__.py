"""Rosters: a channel's signed, hash-chained log of membership events.

The relay orders these events and every member replays them: a relay that adds a ghost, hides a removal or changes the
order breaks the chain or a signature. The channel's id is the identifier of its first event, so a channel cannot be
given another beginning.

Each member is listed with the cards that the author of the event knew: members who meet an identity for the first time
here start from the author's knowledge and not from the relay's.
"""

from peerpost_protocol.roster.authoring import sign_event
from peerpost_protocol.roster.changes import (
    Add,
    Ban,
    Change,
    Create,
    Identities,
    Least,
    Leave,
    Member,
    Policies,
    Remove,
    Rename,
    Role,
    SetPolicies,
    SetRole,
    SetTopic,
    Unban,
)
from peerpost_protocol.roster.events import (
    RosterClaim,
    RosterEvent,
    RosterEventBody,
    parse_event,
    verify_event,
)
from peerpost_protocol.roster.naming import hides
from peerpost_protocol.roster.rules import apply_event
from peerpost_protocol.roster.state import Roster

__all__ = [
    "Add",
    "Ban",
    "Change",
    "Create",
    "Identities",
    "Least",
    "Leave",
    "Member",
    "Policies",
    "Remove",
    "Rename",
    "Role",
    "Roster",
    "RosterClaim",
    "RosterEvent",
    "RosterEventBody",
    "SetPolicies",
    "SetRole",
    "SetTopic",
    "Unban",
    "apply_event",
    "hides",
    "parse_event",
    "sign_event",
    "verify_event",
]
