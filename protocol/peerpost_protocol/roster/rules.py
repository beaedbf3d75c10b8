"""The rules: what a roster is after an event, or why the event does not hold.

Checks of `apply_event` (docs/protocol/roster.md), after the signature:
 1. a channel begins with `create`, and only begins with it
 2. channel, position and previous event continue the roster
 3. the author's card speaks for a member
 4. the author's role allows the change
 5. the change means something in this roster (nobody added twice, nobody removed who is not there)
 6. the bounds hold afterwards
"""

from collections.abc import Collection
from typing import assert_never

import msgspec

from peerpost_protocol import limits
from peerpost_protocol.errors import RosterError
from peerpost_protocol.roster.changes import Add, Create, Leave, Member, Remove, Role
from peerpost_protocol.roster.events import RosterEvent
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
    members = _changed(roster, event, change, kin)
    _bounded(members)
    return msgspec.structs.replace(
        roster, position=event.body.position, head=event.id, members=members
    )


def _begin(event: RosterEvent, create: Create) -> Roster:
    body = event.body
    if body.channel is not None or body.position != 0 or body.previous is not None:
        raise RosterError(
            "roster_conflict", "a first event has no channel and no previous one"
        )  # 2
    members = _joined({}, create.members)
    roster = Roster(event.id, create.name, create.direct, 0, event.id, members)
    author = roster.speaks_for(event.author)
    if author is None:
        raise RosterError("not_a_member", "the creator is not a member by this card")  # 3
    owners = [member for member in create.members if member.role is Role.OWNER]
    if owners != [author]:
        raise RosterError("not_an_admin", "the creator is the one owner of a new channel")  # 4
    if create.direct and len(members) != 2:
        raise RosterError("bad_change", "a direct channel has two members")  # 5
    _bounded(members)
    return roster


def _continues(roster: Roster, event: RosterEvent) -> None:
    body = event.body
    if body.channel != roster.channel:
        raise RosterError("roster_conflict", "the event belongs to another channel")  # 2
    if body.position != roster.position + 1 or body.previous != roster.head:
        raise RosterError("roster_conflict", "the event does not continue the roster")  # 2


def _changed(
    roster: Roster, event: RosterEvent, change: Add | Remove | Leave, kin: Collection[bytes]
) -> dict[str, Member]:
    author = roster.speaks_for(event.author, kin)
    if author is None:
        raise RosterError("not_a_member", "the author's card speaks for no member")  # 3
    match change:
        case Leave():
            _may_change(roster)
            return {who: m for who, m in roster.members.items() if who != author.identity}
        case Add(members):
            _may_administer(roster, author)
            if any(member.role is Role.OWNER for member in members):
                raise RosterError("not_an_admin", "a channel has one owner")  # 4
            return _joined(roster.members, members)
        case Remove(identities):
            _may_administer(roster, author)
            return _without(roster, author, identities)
        case _:
            assert_never(change)


def _may_administer(roster: Roster, author: Member) -> None:
    if author.role is Role.MEMBER:
        raise RosterError("not_an_admin", "only the owner and admins change the membership")  # 4
    _may_change(roster)


def _may_change(roster: Roster) -> None:
    # One that left could never come back: a pair of identities has one direct channel for good.
    if roster.direct:
        raise RosterError("bad_change", "a direct channel keeps its two members")  # 5


def _joined(present: dict[str, Member], added: tuple[Member, ...]) -> dict[str, Member]:
    members = dict(present)
    for member in added:
        if member.identity in members:
            raise RosterError("bad_change", f"{member.identity} is a member already")  # 5
        if len(set(member.cards)) != len(member.cards):
            raise RosterError("bad_change", f"a card of {member.identity} stands twice")  # 5
        members[member.identity] = member
    return members


def _without(roster: Roster, author: Member, identities: tuple[str, ...]) -> dict[str, Member]:
    members = dict(roster.members)
    for identity in identities:
        member = members.pop(identity, None)
        if member is None:
            raise RosterError("bad_change", f"{identity} is not a member")  # 5
        if member.role is Role.OWNER and author.role is not Role.OWNER:
            raise RosterError("not_an_admin", "an admin does not remove the owner")  # 4
    return members


def _bounded(members: dict[str, Member]) -> None:
    cards = sum(len(member.cards) for member in members.values())
    if len(members) > limits.MAX_MEMBERS or cards > limits.MAX_RECIPIENT_CARDS:
        raise RosterError("too_many_members", "the channel would be over its bounds")  # 6
