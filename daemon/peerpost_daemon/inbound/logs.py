"""Roster logs: the events of the time in which we were no member, and those that the relay left out.

Whoever is added later, or again, gets the stream from the adding on. The roster before that is read from the roster's
own log, and so is what a present member was not brought. It is folded from the first event, whose identifier is the
channel's id, or from the last one known here: it cannot be another channel's, and nothing in it can be left out.
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
from peerpost_protocol.envelope import EnvelopeClaim
from peerpost_protocol.errors import ProtocolError
from peerpost_protocol.frames import ReadRoster, RosterPage
from peerpost_protocol.roster import RosterClaim, RosterEvent, parse_event, verify_event

MAX_ROSTER_EVENTS = 100_000
"""A roster with more events is not followed."""
MAX_ROSTER_BYTES = 32 * 1024 * 1024
"""So much of rosters' logs is held at once. Who joins a channel whose log is longer cannot follow it; who is in it
takes it in parts."""

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


class LogsTooLongError(Exception):
    """Say that the logs of several channels are too long together: each has to be read for itself."""


class HolesError(Exception):
    """Say that items stand on roster events that are neither known nor among them."""


class _Room:
    """Be the bytes that logs may still take."""

    def __init__(self) -> None:
        self.left = MAX_ROSTER_BYTES

    def take(self, claims: Sequence[RosterClaim]) -> bool:
        """Say whether claims still find room."""
        self.left -= sum(
            len(claim.signed.payload) + len(claim.signed.signature) for claim in claims
        )
        return self.left >= 0


class RosterLogs:
    """Read roster logs from the relay."""

    def __init__(self, relay: Relay, database: Database) -> None:
        self._relay = relay
        self._database = database

    async def missing(self, arrived: Arrived) -> dict[bytes, RosterLog]:
        """Return what the items that arrived, in their order, need and do not bring.

        Raises LinkError, and LogsTooLongError when the items are of several channels.
        """
        needs, room = _needs(arrived), _Room()
        next_ = await self._database.read(lambda db: {id_: _next(db, id_) for id_ in needs})
        logs = {}
        for channel, there in needs.items():
            before = _end_of_holes(next_[channel], there)
            if before is not None:
                logs[channel] = await self._read(channel, next_[channel], before, room)
            if room.left < 0 and len(needs) > 1:
                raise LogsTooLongError
        return logs

    async def upto(self, channel: bytes, end: int) -> RosterLog:
        """Return what is not known of a roster, up to a roster position. Raises LinkError."""
        next_ = await self._database.read(lambda db: _next(db, channel))
        if end < next_:
            return RosterLog((), frozenset())
        return await self._read(channel, next_, end + 1, _Room())

    async def _read(self, channel: bytes, first: int, before: int, room: _Room) -> RosterLog:
        claims: list[RosterClaim] = []
        wanted = min(before - first, MAX_ROSTER_EVENTS)
        more = True
        while more and len(claims) < wanted:
            try:
                request = ReadRoster(0, channel, first + len(claims))
                page = await ask(self._relay, request, RosterPage)
                more_claims = [parse_event(signed) for signed in page.events]
            except RefusedError as error:
                if error.come_back:
                    raise
                break  # the channel cannot be followed; the others go on
            except ProtocolError:
                break
            if not room.take(more_claims):
                break
            claims += more_claims
            more = page.more and bool(page.events)
        claims = claims[:wanted]
        cards = frozenset(card for claim in claims for card in cards_of_event(claim))
        return RosterLog(tuple(claims), cards)


def refuse_holes(db: SqlConnection, arrived: Arrived) -> None:
    """Raise HolesError when what arrived needs logs."""
    for channel, there in _needs(arrived).items():
        if _end_of_holes(_next(db, channel), there) is not None:
            raise HolesError


def _needs(arrived: Arrived) -> dict[bytes, list[tuple[int, int]]]:
    """Return for each channel, in the order they came, the roster that each item stands on, and the one after it.

    Both as the number of events: an event stands on all before it, an envelope on those that it was sealed under.
    """
    needs: dict[bytes, list[tuple[int, int]]] = {}
    for channel, parsed in arrived:
        there = needs.setdefault(channel, [])
        for one in parsed:
            if isinstance(one.claim, RosterClaim):
                there.append((one.claim.body.position, one.claim.body.position + 1))
            elif isinstance(one.claim, EnvelopeClaim):
                count = one.claim.header.roster_position + 1
                there.append((count, count))
    return needs


def _next(db: SqlConnection, channel: bytes) -> int:
    known = channels.find(db, channel)
    return known.roster.position + 1 if known else 0


def _end_of_holes(next_: int, needs: Iterable[tuple[int, int]]) -> int | None:
    """Return the number of events up to the last one that is left out, None when there is no hole.

    Envelopes of a channel that nobody here knows begin nothing.
    """
    end = None
    for stands_on, after in needs:
        brings = after > stands_on
        if stands_on > next_ and (next_ or brings):
            end = stands_on
        if next_ or brings:
            next_ = max(next_, after)
    return end
