"""A small client of the relay for tests: real frames, real keys, a real socket.

`RelayClient.connect` speaks the handshake up to where the caller wants it; `Person` holds keys, a
card and the chains it has sent, and makes every kind of statement. Nothing here checks what the
relay says: tests do.
"""

import asyncio
import itertools
import os
import time
from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import Self, TypeVar

from websockets.asyncio.client import ClientConnection, connect

from peerpost_protocol import frames as f
from peerpost_protocol.card import Card, DeviceKeys, issue_card
from peerpost_protocol.content import Text
from peerpost_protocol.envelope import Placement, seal
from peerpost_protocol.handshake import Challenge, sign_authentication
from peerpost_protocol.limits import MAX_FRAME
from peerpost_protocol.receipt import ReceiptBody, sign_receipt
from peerpost_protocol.roster import (
    Add,
    Change,
    Create,
    Leave,
    Member,
    Remove,
    Role,
    Roster,
    RosterEvent,
    apply_event,
    sign_event,
)
from peerpost_protocol.signing import Signed

WAIT_SECONDS = 10.0

F = TypeVar("F")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Person:
    """Be one device of an identity."""

    def __init__(
        self, identity: str, *, endorser: bytes | None = None, predecessor: bytes | None = None
    ) -> None:
        self.keys = DeviceKeys(os.urandom(32), os.urandom(32))
        self.card: Card = issue_card(
            self.keys, identity, "test", now_ms(), endorser=endorser, predecessor=predecessor
        )
        self.chains: dict[bytes, tuple[int, bytes]] = {}

    def member(self, role: Role = Role.MEMBER) -> Member:
        return Member(self.card.identity, role, (self.card.id,))

    def event(self, roster: Roster | None, change: Change) -> RosterEvent:
        """Sign a change; raises RosterError when the rules forbid it."""
        return sign_event(self.keys.signing, self.card, roster, change, now_ms())

    def create(
        self, others: Iterable["Person"], *, direct: bool = False, name: str = "team"
    ) -> tuple[Roster, RosterEvent]:
        """Begin a channel with oneself as its owner."""
        members = (self.member(Role.OWNER), *(other.member() for other in others))
        event = self.event(None, Create(name, direct, members, os.urandom(32)))
        return apply_event(None, event), event

    def add(self, roster: Roster, *others: "Person") -> tuple[Roster, RosterEvent]:
        event = self.event(roster, Add(tuple(other.member() for other in others)))
        return apply_event(roster, event), event

    def remove(self, roster: Roster, *others: "Person") -> tuple[Roster, RosterEvent]:
        event = self.event(roster, Remove(tuple(other.card.identity for other in others)))
        return apply_event(roster, event), event

    def leave(self, roster: Roster) -> tuple[Roster, RosterEvent]:
        event = self.event(roster, Leave())
        return apply_event(roster, event), event

    def place(
        self, roster: Roster, *, message: bytes | None = None, expires_at_ms: int | None = None
    ) -> Placement:
        """Return the next place of this person's chain."""
        sequence, previous = self.chains.get(roster.channel, (0, None))
        return Placement(
            roster.channel,
            roster.position,
            roster.head,
            sequence + 1,
            previous,
            message or os.urandom(16),
            now_ms(),
            expires_at_ms,
        )

    def envelope(
        self,
        roster: Roster,
        text: str = "hello",
        *,
        place: Placement | None = None,
        to: Iterable["Person"] = (),
    ) -> bytes:
        """Seal a text at `place` (default: the next of the chain) and move the chain on."""
        where = place or self.place(roster)
        cards = [self.card, *(other.card for other in to)]
        data, id_ = seal(self.keys, self.card, cards, where, Text(text), random_bytes=os.urandom)
        self.chains[roster.channel] = (where.sequence, id_)
        return data

    def receipt(self, channel: bytes, position: int) -> Signed:
        body = ReceiptBody(channel, self.card.id, position, now_ms(), ())
        return sign_receipt(self.keys.signing, body)


class RelayClient:
    """Speak to a relay over one connection; usable as `async with`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.challenge: Challenge | None = None
        self._requests = itertools.count(1)
        self._unread: deque[f.RelayFrame] = deque()

    @classmethod
    async def connect(
        cls, url: str, person: Person | None = None, *, forwarded_for: str | None = None
    ) -> Self:
        """Connect; authenticate as `person`, whose card the relay has; as a proxy for an address."""
        socket = await connect(
            url,
            subprotocols=None,
            compression=None,
            max_size=MAX_FRAME,
            proxy=None,
            additional_headers={"X-Forwarded-For": forwarded_for} if forwarded_for else None,
        )
        client = cls(socket)
        if person is not None:
            await client.greet()
            await client.authenticate(person)
        return client

    @classmethod
    async def register(cls, url: str, person: Person, token: str | None = None) -> Self:
        """Connect, publish the person's card and authenticate."""
        client = await cls.connect(url)
        await client.greet()
        answer = await client.publish_card(person, token)
        assert isinstance(answer, f.Accepted), answer
        await client.authenticate(person)
        return client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self.socket.close()

    # -- frames ----------------------------------------------------------------------------------

    async def send(self, frame: f.ClientFrame) -> None:
        await self.socket.send(f.encode_frame(frame))

    async def next(self) -> f.RelayFrame:
        """Return the next frame; raises ConnectionClosed when there is none any more."""
        if self._unread:
            return self._unread.popleft()
        async with asyncio.timeout(WAIT_SECONDS):
            data = await self.socket.recv()
        assert isinstance(data, bytes)
        return f.decode_relay_frame(data)

    async def expect(self, kind: type[F]) -> F:
        """Return the next frame, which must be of this kind."""
        frame = await self.next()
        assert isinstance(frame, kind), frame
        return frame

    def request(self) -> int:
        return next(self._requests)

    async def ask(self, frame: f.ClientFrame) -> f.RelayFrame:
        """Send a request and return its answer; what comes in between is read later."""
        await self.send(frame)
        wanted = getattr(frame, "request", None)
        passed: list[f.RelayFrame] = []
        while True:
            answer = await self.next()
            if getattr(answer, "request", None) == wanted:
                self._unread.extendleft(reversed(passed))
                return answer
            passed.append(answer)

    # -- the handshake ---------------------------------------------------------------------------

    async def greet(self) -> Challenge:
        nonce = os.urandom(32)
        await self.send(f.Hello(f.PROTOCOL_VERSION, nonce, "test"))
        answer = await self.expect(f.ChallengeFrame)
        self.challenge = Challenge(answer.relay, nonce, answer.relay_nonce, answer.at_ms)
        return self.challenge

    async def prove(self, person: Person, challenge: Challenge | None = None) -> f.RelayFrame:
        """Answer a challenge (default: this connection's); return what the relay says."""
        answered = challenge or self.challenge
        assert answered is not None
        signature = sign_authentication(person.keys.signing, answered, person.card.id)
        await self.send(f.Authenticate(person.card.id, signature))
        return await self.next()

    async def authenticate(self, person: Person) -> f.Welcome:
        answer = await self.prove(person)
        assert isinstance(answer, f.Welcome), answer
        return answer

    # -- requests --------------------------------------------------------------------------------

    async def publish_card(self, person: Person, token: str | None = None) -> f.RelayFrame:
        return await self.ask(f.PublishCard(self.request(), person.card.signed, token))

    async def submit(self, event: RosterEvent) -> f.RelayFrame:
        return await self.ask(f.SubmitRosterEvent(self.request(), event.signed))

    async def publish(self, envelope: bytes) -> f.RelayFrame:
        return await self.ask(f.Publish(self.request(), envelope))

    async def read(self, channel: bytes, after: int = 0, limit: int = 256) -> f.RelayFrame:
        return await self.ask(f.ReadStream(self.request(), channel, after, limit))

    async def read_roster(self, channel: bytes, position: int = 0) -> f.RelayFrame:
        return await self.ask(f.ReadRoster(self.request(), channel, position))

    async def search(self, *identities: str) -> f.RelayFrame:
        return await self.ask(f.SearchCards(self.request(), identities))

    async def post_receipt(self, receipt: Signed) -> f.RelayFrame:
        return await self.ask(f.PostReceipt(self.request(), receipt))

    async def subscribe(self, *cursors: f.Cursor, everything: bool = True) -> f.RelayFrame:
        return await self.ask(f.Subscribe(self.request(), cursors, everything))

    async def items(self, channel: bytes, count: int) -> list[f.Item]:
        """Return the next `count` delivered items of one channel; other frames are dropped."""
        found: list[f.Item] = []
        while len(found) < count:
            frame = await self.next()
            if isinstance(frame, f.Deliver) and frame.channel == channel:
                found += frame.items
        assert len(found) == count, [item.position for item in found]
        return found


def refusal(answer: f.RelayFrame) -> str:
    """Return why a request was refused."""
    assert isinstance(answer, f.Refused | f.Closing), answer
    return answer.kind


def position(answer: f.RelayFrame) -> int:
    """Return the position of what was accepted."""
    assert isinstance(answer, f.Accepted), answer
    return answer.position
