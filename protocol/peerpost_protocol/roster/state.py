"""The roster: what a channel is after its last event."""

from collections.abc import Collection

from msgspec import Struct

from peerpost_protocol.card import Card
from peerpost_protocol.roster.changes import Member


class Roster(Struct, frozen=True):
    """Be the membership after the event at `position`, whose identifier is `head`."""

    channel: bytes
    name: str
    direct: bool
    position: int
    head: bytes
    members: dict[str, Member]

    def speaks_for(self, card: Card, kin: Collection[bytes] = ()) -> Member | None:
        """Return the member for whom this card speaks, None when there is none.

        `kin`: ids of cards that descend from a listed card of the same member (`History.descendants`).
        """
        member = self.members.get(card.identity)
        if member is None or (card.id not in member.cards and card.id not in kin):
            return None
        return member
