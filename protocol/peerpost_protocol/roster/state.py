"""The roster: what a channel is after its last event."""

from collections.abc import Collection

from msgspec import Struct

from peerpost_protocol.card import Card
from peerpost_protocol.roster.changes import Least, Member, Policies, Role

_MAY = {
    Least.ADMIN: frozenset({Role.OWNER, Role.ADMIN}),
    Least.MEMBER: frozenset({Role.OWNER, Role.ADMIN, Role.MEMBER}),
}


class Roster(Struct, frozen=True):
    """Be the channel after the event at `position`, whose identifier is `head`; `bans` in the order they came."""

    channel: bytes
    name: str
    direct: bool
    position: int
    head: bytes
    members: dict[str, Member]
    topic: str = ""
    policies: Policies = Policies()
    bans: tuple[str, ...] = ()

    def speaks_for(self, card: Card, kin: Collection[bytes] = ()) -> Member | None:
        """Return the member for whom this card speaks, None when there is none.

        `kin`: ids of cards that descend from a listed card of the same member (`History.descendants`).
        """
        member = self.members.get(card.identity)
        if member is None or (card.id not in member.cards and card.id not in kin):
            return None
        return member

    def may_post(self, member: Member) -> bool:
        """Say whether a member may send envelopes."""
        return member.role in _MAY[self.policies.post]

    def may_add(self, member: Member) -> bool:
        """Say whether a member may add others."""
        return member.role in _MAY[self.policies.add]

    def administers(self, member: Member) -> bool:
        """Say whether a member may change more than who is added."""
        return member.role in _MAY[Least.ADMIN]
