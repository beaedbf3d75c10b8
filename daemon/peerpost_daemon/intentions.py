"""Intentions: what somebody wants of a roster, so that it can be signed again when others came first.

A change is signed for one place in the roster. When another event has that place, the author is asked nothing as long
as the change still means the same: what it was decided upon (`basis`) is as it was, or others have done it already
(`still` says what is left of it). Else the caller is told, with `channel_changed`, and looks again
(docs/decisions/0009-a-change-is-signed-again-while-it-means-the-same.md).
"""

from msgspec import UNSET, Struct, UnsetType

from peerpost_protocol.roster import (
    Add,
    Ban,
    Change,
    Least,
    Leave,
    Policies,
    Remove,
    Rename,
    Roster,
    SetPolicies,
    SetRole,
    SetTopic,
    Unban,
)


class Ruling(Struct, frozen=True):
    """Set some of the policies and leave the others as they are, whoever set them last."""

    post: Least | UnsetType = UNSET
    add: Least | UnsetType = UNSET
    expire_ms: int | UnsetType | None = UNSET

    def policies(self, had: Policies) -> Policies:
        """Return those in force with these put over them."""
        return Policies(
            had.post if self.post is UNSET else self.post,
            had.add if self.add is UNSET else self.add,
            had.expire_ms if self.expire_ms is UNSET else self.expire_ms,
        )

    def replaced(self, had: Policies) -> tuple[object, ...]:
        """Return the values in force of those that are to be set."""
        pairs = ((self.post, had.post), (self.add, had.add), (self.expire_ms, had.expire_ms))
        return tuple(None if mine is UNSET else theirs for mine, theirs in pairs)


Intention = Add | Remove | Leave | SetRole | Rename | SetTopic | Ban | Unban | Ruling


def first(wanted: Intention, roster: Roster) -> Change:
    """Return the change as it was asked for."""
    if isinstance(wanted, Ruling):
        return SetPolicies(wanted.policies(roster.policies))
    return wanted


def basis(wanted: Intention, roster: Roster) -> object:
    """Return what the decision rests on; another value means: decide anew."""
    match wanted:
        case SetRole(identity):
            member = roster.members.get(identity)
            return member.role if member else None
        case Rename():
            return roster.name
        case SetTopic():
            return roster.topic
        case Ruling():
            return wanted.replaced(roster.policies)
        case _:
            return None  # who comes and goes is the rules' concern


def still(wanted: Intention, roster: Roster) -> Change | None:
    """Return what is left to change after somebody else's event, None when nothing is."""
    match wanted:
        case Add(members):
            coming = tuple(m for m in members if m.identity not in roster.members)
            return Add(coming) if coming else None
        case Remove(identities):
            going = tuple(who for who in identities if who in roster.members)
            return Remove(going) if going else None
        case Ban(identities):
            to_ban = tuple(who for who in identities if who not in roster.bans)
            return Ban(to_ban) if to_ban else None
        case Unban(identities):
            banned = tuple(who for who in identities if who in roster.bans)
            return Unban(banned) if banned else None
        case _:
            return None if _is_so(wanted, roster) else first(wanted, roster)


def _is_so(wanted: Intention, roster: Roster) -> bool:
    match wanted:
        case SetRole(identity, role):
            return identity in roster.members and roster.members[identity].role is role
        case Rename(name):
            return roster.name == name
        case SetTopic(topic):
            return roster.topic == topic
        case Ruling():
            return wanted.policies(roster.policies) == roster.policies
        case _:
            return False
