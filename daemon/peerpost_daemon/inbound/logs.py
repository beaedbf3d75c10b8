"""Roster logs: the events of the time in which we were no member.

Whoever is added later, or again, gets the stream from the adding on. The roster before that is read from the roster's
own log. It is folded from the first event, whose identifier is the channel's id, or from the last one known here: it
cannot be another channel's, and nothing in it can be left out.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from peerpost_daemon.asking import Relay, ask
from peerpost_daemon.inbound.opening import Parsed, cards_of_event
from peerpost_daemon.link.errors import RefusedError
from peerpost_daemon.records import channels
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card
from peerpost_protocol.errors import ProtocolError
from peerpost_protocol.frames import ReadRoster, RosterPage
from peerpost_protocol.roster import RosterClaim, RosterEvent, parse_event, verify_event

MAX_ROSTER_EVENTS = 100_000
"""A roster with more events is not followed."""

Arrived = Sequence[tuple[bytes, Sequence[Parsed]]]


class RosterLog(Struct, frozen=True):
    """Be events of a roster, unverified, and the ids of the cards they name."""

    claims: tuple[RosterClaim, ...]
    cards: frozenset[bytes]

    def verified(self, cards: Mapping[bytes, Card]) -> tuple[RosterEvent, ...]:
        """Return the events up to the first that does not verify."""
        events: list[RosterEvent] = []
        for claim in self.claims:
            author = cards.get(claim.body.author)
            if author is None:
                break
            try:
                events.append(verify_event(claim, author))
            except ProtocolError:
                break
        return tuple(events)


class RosterLogs:
    """Read roster logs from the relay."""

    def __init__(self, relay: Relay, database: Database) -> None:
        self._relay = relay
        self._database = database

    async def missing(self, arrived: Arrived) -> dict[bytes, RosterLog]:
        """Return what the roster events that arrived, in their order, leave out. Raises LinkError."""
        positions = _positions(arrived)
        next_ = await self._database.read(lambda db: {id_: _next(db, id_) for id_ in positions})
        logs = {}
        for channel, there in positions.items():
            before = _end_of_holes(next_[channel], there)
            if before is not None:
                logs[channel] = await self._read(channel, next_[channel], before)
        return logs

    async def _read(self, channel: bytes, first: int, before: int) -> RosterLog:
        claims: list[RosterClaim] = []
        wanted = min(before - first, MAX_ROSTER_EVENTS)
        more = True
        while more and len(claims) < wanted:
            try:
                request = ReadRoster(0, channel, first + len(claims))
                page = await ask(self._relay, request, RosterPage)
                claims += [parse_event(signed) for signed in page.events]
            except RefusedError as error:
                if error.come_back:
                    raise
                break  # the channel cannot be followed; the others go on
            except ProtocolError:
                break
            more = page.more and bool(page.events)
        claims = claims[:wanted]
        cards = frozenset(card for claim in claims for card in cards_of_event(claim))
        return RosterLog(tuple(claims), cards)


def _positions(arrived: Arrived) -> dict[bytes, list[int]]:
    """Return the roster positions of the events of each channel, in the order they came."""
    positions: dict[bytes, list[int]] = {}
    for channel, parsed in arrived:
        there = positions.setdefault(channel, [])
        there += [p.claim.body.position for p in parsed if isinstance(p.claim, RosterClaim)]
    return positions


def _next(db: SqlConnection, channel: bytes) -> int:
    known = channels.find(db, channel)
    return known.roster.position + 1 if known else 0


def _end_of_holes(next_: int, positions: Iterable[int]) -> int | None:
    """Return the position after the last one that is left out, None when there is no hole."""
    end = None
    for position in positions:
        if position > next_:
            end = position
        next_ = max(next_, position + 1)
    return end
