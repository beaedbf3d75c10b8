"""What each change does to a roster, and to whom it is allowed: checks 4 and 5 of rules.py."""

from collections.abc import Iterable
from typing import assert_never

from msgspec.structs import replace

from peerpost_protocol.errors import RosterError
from peerpost_protocol.roster.changes import (
    Add,
    Ban,
    Leave,
    Member,
    Remove,
    Rename,
    Role,
    SetPolicies,
    SetRole,
    SetTopic,
    Unban,
)
from peerpost_protocol.roster.naming import require_shown
from peerpost_protocol.roster.state import Roster

Later = Add | Remove | Leave | SetRole | Rename | SetTopic | SetPolicies | Ban | Unban
"""Every change but the first."""

_GIVEN_BY_MEMBERS = frozenset({Role.MEMBER, Role.READER})


def changed(roster: Roster, author: Member, change: Later) -> Roster:
    """Return the roster with the change of its member `author`; raise RosterError."""
    match change:
        case Leave():
            _require_group(roster)
            return _with(roster, _without(roster, author, (author.identity,)))
        case Add(members):
            return _added(roster, author, members)
        case _:
            if not roster.administers(author):
                raise RosterError("not_an_admin", "only the owner and admins change this")  # 4
            _require_group(roster)
            return _administered(roster, author, change)


def joined(present: dict[str, Member], added: tuple[Member, ...]) -> dict[str, Member]:
    """Return the members with those who come; raise RosterError when one is there or stands twice."""
    members = dict(present)
    for member in added:
        if member.identity in members:
            raise RosterError("bad_change", f"{member.identity} is a member already")  # 5
        if len(set(member.cards)) != len(member.cards):
            raise RosterError("bad_change", f"a card of {member.identity} stands twice")  # 5
        members[member.identity] = member
    return members


def _administered(
    roster: Roster,
    author: Member,
    change: Remove | SetRole | Rename | SetTopic | SetPolicies | Ban | Unban,
) -> Roster:
    match change:
        case Remove(identities):
            return _with(roster, _without(roster, author, identities))
        case SetRole(identity, role):
            return _with(roster, _with_role(roster, author, identity, role))
        case Ban(identities):
            return _banned(roster, author, identities)
        case Unban(identities):
            return _unbanned(roster, identities)
        case _:
            return _described(roster, change)


def _described(roster: Roster, change: Rename | SetTopic | SetPolicies) -> Roster:
    match change:
        case Rename(name):
            require_shown(name, "the name")  # 5
            after = replace(roster, name=name)
        case SetTopic(topic):
            require_shown(topic, "the topic")  # 5
            after = replace(roster, topic=topic)
        case SetPolicies(policies):
            after = replace(roster, policies=policies)
        case _:
            assert_never(change)
    _require_news(roster, after)
    return after


def _require_group(roster: Roster) -> None:
    # One that left could never come back: a pair of identities has one direct channel for good.
    if roster.direct:
        raise RosterError("bad_change", "a direct channel keeps its two members as they are")  # 5


def _require_news(before: object, after: object) -> None:
    if before == after:
        raise RosterError("bad_change", "it is so already")  # 5


def _added(roster: Roster, author: Member, members: tuple[Member, ...]) -> Roster:
    if not roster.may_add(author):
        raise RosterError("not_an_admin", "the author may not add members")  # 4
    _require_group(roster)
    given = {member.role for member in members}
    if Role.OWNER in given:
        raise RosterError("not_an_admin", "a channel has one owner")  # 4
    if not roster.administers(author) and not given <= _GIVEN_BY_MEMBERS:
        raise RosterError("not_an_admin", "a member adds no admin")  # 4
    for member in members:
        if member.identity in roster.bans:
            raise RosterError("banned", f"{member.identity} is banned")  # 5
    return _with(roster, joined(roster.members, members))


def _without(roster: Roster, author: Member, identities: Iterable[str]) -> dict[str, Member]:
    members = dict(roster.members)
    for identity in identities:
        member = members.pop(identity, None)
        if member is None:
            raise RosterError("bad_change", f"{identity} is not a member")  # 5
        if member.role is Role.OWNER and author.role is not Role.OWNER:
            raise RosterError("not_an_admin", "an admin does not remove the owner")  # 4
    return members


def _with_role(roster: Roster, author: Member, identity: str, role: Role) -> dict[str, Member]:
    member = roster.members.get(identity)
    if member is None:
        raise RosterError("bad_change", f"{identity} is not a member")  # 5
    if Role.OWNER in {role, member.role} and author.role is not Role.OWNER:
        raise RosterError("not_an_admin", "only the owner gives the ownership away")  # 4
    _require_news(member.role, role)
    if member.role is Role.OWNER:
        raise RosterError("bad_change", "the owner names another owner instead")  # 5
    members = {**roster.members, identity: replace(member, role=role)}
    if role is Role.OWNER:
        members[author.identity] = replace(author, role=Role.ADMIN)
    return members


def _banned(roster: Roster, author: Member, identities: tuple[str, ...]) -> Roster:
    bans = list(roster.bans)
    for identity in identities:
        if identity == author.identity or identity in bans:
            raise RosterError("bad_change", f"{identity} is banned, or the author")  # 5
        bans.append(identity)
    present = [identity for identity in identities if identity in roster.members]
    members = _without(roster, author, present)
    return replace(roster, members=members, bans=tuple(bans))


def _unbanned(roster: Roster, identities: tuple[str, ...]) -> Roster:
    bans = list(roster.bans)
    for identity in identities:
        if identity not in bans:
            raise RosterError("bad_change", f"{identity} is not banned")  # 5
        bans.remove(identity)
    return replace(roster, bans=tuple(bans))


def _with(roster: Roster, members: dict[str, Member]) -> Roster:
    return replace(roster, members=members)
