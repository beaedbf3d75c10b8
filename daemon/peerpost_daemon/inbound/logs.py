"""Roster logs: the events before the one with which a channel's stream begins for us.

Whoever is added later gets the stream from its adding on. The roster before that is read from the roster's own log and
folded from the first event, whose identifier is the channel's id: it cannot be another channel's, and nothing in it can
be left out.
"""

from collections.abc import Mapping

from msgspec import Struct

from peerpost_daemon.asking import Relay, ask
from peerpost_daemon.inbound.opening import cards_of_event
from peerpost_daemon.inbound.rosters import fold
from peerpost_daemon.records import channels
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card
from peerpost_protocol.errors import ProtocolError
from peerpost_protocol.frames import Item, ItemKind, ReadRoster, RosterPage, decode_signed
from peerpost_protocol.roster import RosterClaim, RosterEvent, parse_event, verify_event

MAX_ROSTER_EVENTS = 100_000
"""A roster with more events is not followed."""


class RosterLog(Struct, frozen=True):
    """Be the events of a roster before a position, unverified."""

    channel: bytes
    claims: tuple[RosterClaim, ...]
    cards: frozenset[bytes]

    def verified(self, cards: Mapping[bytes, Card]) -> tuple[RosterEvent, ...]:
        """Return the events when all of them verify and continue each other, else none."""
        try:
            events = tuple(verify_event(c, cards[c.body.author]) for c in self.claims)
            roster = fold(events)
        except (ProtocolError, KeyError):
            return ()
        return events if roster is not None and roster.channel == self.channel else ()


class RosterLogs:
    """Read roster logs from the relay."""

    def __init__(self, relay: Relay, database: Database) -> None:
        self._relay = relay
        self._database = database
        self._known: set[bytes] = set()  # as many as this card has channels

    async def missing(self, first: Mapping[bytes, Item]) -> dict[bytes, RosterLog]:
        """Return the logs of those channels that are not known and do not begin at their beginning.

        `first` is the first item that arrived of each channel. Raises LinkError.
        """
        asked = [id_ for id_ in first if id_ not in self._known]
        if not asked:
            return {}
        new = await self._database.read(
            lambda db: [id_ for id_ in asked if channels.find(db, id_) is None]
        )
        self._known.update(set(asked).difference(new))
        logs = {}
        for channel in new:
            before = _position(first[channel])
            if before:
                logs[channel] = await self._read(channel, before)
        return logs

    async def _read(self, channel: bytes, before: int) -> RosterLog:
        claims: list[RosterClaim] = []
        more = True
        while more and len(claims) < min(before, MAX_ROSTER_EVENTS):
            request = ReadRoster(0, channel, len(claims))
            page = await ask(self._relay, request, RosterPage)
            try:
                claims += [parse_event(signed) for signed in page.events]
            except ProtocolError:
                break
            more = page.more and bool(page.events)
        claims = claims[:before]
        cards = frozenset(card for claim in claims for card in cards_of_event(claim))
        return RosterLog(channel, tuple(claims), cards)


def _position(item: Item) -> int:
    """Return the roster position of the event that an item is, 0 when it is none."""
    if item.kind is not ItemKind.ROSTER_EVENT:
        return 0
    try:
        return parse_event(decode_signed(item.body)).body.position
    except ProtocolError:
        return 0
