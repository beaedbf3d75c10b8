"""The rules: what a roster is after an event, or why the event does not hold.

Checks of `apply_event` (docs/protocol/roster.md), after the signature:
 1. a channel begins with `create`, and only begins with it
 2. channel, position and previous event continue the roster
 3. the author's card speaks for a member
 4. the author's role and the policies allow the change
 5. the change means something in this roster (nobody added twice, nobody removed who is not there)
 6. the bounds hold afterwards
"""

from collections.abc import Collection

from msgspec.structs import replace

from peerpost_protocol import limits
from peerpost_protocol.errors import RosterError
from peerpost_protocol.roster import changing
from peerpost_protocol.roster.changes import Create, Role
from peerpost_protocol.roster.events import RosterEvent
from peerpost_protocol.roster.naming import require_shown
from peerpost_protocol.roster.state import Roster


def apply_event(roster: Roster | None, event: RosterEvent, kin: Collection[bytes] = ()) -> Roster:
    """Return the roster after `event`; raise RosterError naming the check that failed.

    `kin`: ids of cards that descend from a card listed for the author's identity (`History.descendants`). A channel's
    first event lists its author's card itself.
    """
    change = event.body.change
    if roster is None:
        if not isinstance(change, Create):
            raise RosterError("unknown_channel", "a channel begins with its create event")  # 1
        return _begin(event, change)
    if isinstance(change, Create):
        raise RosterError("roster_conflict", "the channel exists already")  # 1
    _continues(roster, event)
    author = roster.speaks_for(event.author, kin)
    if author is None:
        raise RosterError("not_a_member", "the author's card speaks for no member")  # 3
    after = changing.changed(roster, author, change)
    _bounded(after)
    return replace(after, position=event.body.position, head=event.id)


def _begin(event: RosterEvent, create: Create) -> Roster:
    body = event.body
    if body.channel is not None or body.position != 0 or body.previous is not None:
        raise RosterError(
            "roster_conflict", "a first event has no channel and no previous one"
        )  # 2
    members = changing.joined({}, create.members)
    roster = Roster(event.id, create.name, create.direct, 0, event.id, members)
    author = roster.speaks_for(event.author)
    if author is None:
        raise RosterError("not_a_member", "the creator is not a member by this card")  # 3
    owners = [member for member in create.members if member.role is Role.OWNER]
    if owners != [author]:
        raise RosterError("not_an_admin", "the creator is the one owner of a new channel")  # 4
    if create.direct:
        _require_pair(roster)
    require_shown(create.name, "the name")  # 5
    _bounded(roster)
    return roster


def _require_pair(roster: Roster) -> None:
    if len(roster.members) != 2:
        raise RosterError("bad_change", "a direct channel has two members")  # 5
    if any(member.role is Role.READER for member in roster.members.values()):
        raise RosterError("bad_change", "both of a direct channel may post")  # 5


def _continues(roster: Roster, event: RosterEvent) -> None:
    body = event.body
    if body.channel != roster.channel:
        raise RosterError("roster_conflict", "the event belongs to another channel")  # 2
    if body.position != roster.position + 1 or body.previous != roster.head:
        raise RosterError("roster_conflict", "the event does not continue the roster")  # 2


def _bounded(roster: Roster) -> None:
    cards = sum(len(member.cards) for member in roster.members.values())
    if len(roster.members) > limits.MAX_MEMBERS or cards > limits.MAX_RECIPIENT_CARDS:
        raise RosterError("too_many_members", "the channel would be over its bounds")  # 6
    if len(roster.bans) > limits.MAX_BANS:
        raise RosterError("too_many_members", "the channel would have too many bans")  # 6
