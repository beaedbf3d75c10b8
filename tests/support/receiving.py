"""A member's vault without a network: items go in as the inbox hands them over, and tests look what became of them.

desk = await open_desk(tmp_path, bob)                # a real encrypted database
await desk.begin(channel)                            # the channel's events, from the first on
await desk.take(channel, envelope(alice, channel))
assert await desk.texts() == ["hello"]
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from peerpost_daemon.inbound import opening, taking
from peerpost_daemon.inbound.opening import Recipient, Taking
from peerpost_daemon.records import channels, events, schema
from peerpost_daemon.records import channels as channel_records
from peerpost_daemon.records.channels import Channel as Stored
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card
from peerpost_protocol.content import Body, Text
from peerpost_protocol.envelope import Placement, parse_envelope, seal
from peerpost_protocol.frames import Item, ItemKind
from peerpost_protocol.roster import RosterEvent
from peerpost_protocol.wire import encode
from tests.support.people import NOW_MS, Channel, Person, digest, random_bytes

KEY = bytes(range(32))

T = TypeVar("T")


class Chain:
    """Seal one sender's envelopes for a channel, each linked to the one before it."""

    def __init__(self, sender: Person, channel: Channel, *receivers: Person) -> None:
        self.sender = sender
        self.channel = channel
        self.receivers = receivers
        self.sequence = 0
        self.previous: bytes | None = None

    def next(self, text: str, **changes: Any) -> bytes:
        """Return the next envelope, its placement changed as told."""
        data = self.forged(text, **changes)
        self.sequence, self.previous = self.sequence + 1, parse_envelope(data).id
        return data

    def forged(self, text: str, *, body: Body | None = None, **changes: Any) -> bytes:
        """Return what would be the next envelope, and leave the chain as it is."""
        roster = self.channel.roster
        place = Placement(
            roster.channel,
            roster.position,
            roster.head,
            self.sequence + 1,
            self.previous,
            digest(f"{self.sender.identity} {text}")[:16],
            NOW_MS,
        )
        place = msgspec.structs.replace(place, **changes)
        cards = [self.sender.card, *(who.card for who in self.receivers)]
        source = random_bytes(f"{self.sender.identity} {text} {place.sequence}")
        keys, card = self.sender.keys, self.sender.card
        return seal(keys, card, cards, place, body or Text(text), random_bytes=source)[0]


class Desk:
    """Be a member's vault and what takes items into it."""

    def __init__(self, database: Database, me: Person) -> None:
        self.database = database
        self.me = me
        self.cards: dict[bytes, Card] = {}
        self.logs: dict[bytes, Sequence[RosterEvent]] = {}
        self.now_ms = NOW_MS
        self.position = 0

    def meets(self, *people: Person) -> None:
        """Let the directory know cards."""
        self.cards |= {who.card.id: who.card for who in people}

    def item(self, thing: bytes | RosterEvent, position: int | None = None) -> Item:
        """Return the next item of the stream."""
        self.position = position or self.position + 1
        if isinstance(thing, RosterEvent):
            return Item(self.position, ItemKind.ROSTER_EVENT, NOW_MS, encode(thing.signed))
        return Item(self.position, ItemKind.ENVELOPE, NOW_MS, thing)

    async def begin(self, channel: Channel) -> None:
        await self.take(channel, *channel.events)

    async def take(self, channel: Channel, *things: bytes | RosterEvent) -> None:
        """Take things as the next items of a channel's stream, in one transaction."""
        await self.take_items(channel, [self.item(thing) for thing in things])

    async def take_items(self, channel: Channel, items: Iterable[Item]) -> None:
        me = Recipient(self.me.card, self.me.keys)
        opened = opening.open_items(opening.parse(items), self.cards, me)
        known = Taking(me, self.now_ms, self.cards, self.logs)
        await self.write(lambda db: taking.take(db, channel.id, opened, known))

    async def write(self, function: Callable[[SqlConnection], T]) -> T:
        return await self.database.write(function)

    async def read(self, function: Callable[[SqlConnection], T]) -> T:
        return await self.database.read(function)

    async def channel(self, channel: Channel) -> Stored:
        found = await self.read(lambda db: channels.find(db, channel.id))
        assert found is not None
        return found

    async def state(self, channel: Channel) -> channel_records.ChannelState:
        return (await self.channel(channel)).state

    async def texts(self) -> list[str]:
        """Return what is shown, in its order."""
        rows = await self.read(
            lambda db: db.execute(
                "SELECT body FROM message WHERE NOT mine ORDER BY cursor"
            ).fetchall()
        )
        return [row[0].decode() for row in rows]

    async def events(self, kind: str) -> list[dict[str, Any]]:
        found = await self.read(lambda db: events.page(db, 0, 1000))
        return [msgspec.json.decode(e.data) for e in found if e.kind == kind and e.data]

    async def reasons(self) -> list[str]:
        return [event["reason"] for event in await self.events("quarantine")]


async def open_desk(folder: Path, me: Person, *others: Person) -> Desk:
    """Open a vault in which nobody is known yet; the directory knows `others`."""
    database = await Database.open(folder / "vault.db", KEY, schema.MIGRATIONS)
    desk = Desk(database, me)
    desk.meets(me, *others)
    return desk
