"""The roster: what a channel is after its last event."""

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

    def speaks_for(self, card: Card) -> Member | None:
        """Return the member for whom this card speaks, None when there is none."""
        member = self.members.get(card.identity)
        return member if member is not None and card.id in member.cards else None
