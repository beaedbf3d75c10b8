"""A malicious relay: the real one, real store and real sockets, with one rule of it changed.

    async with malicious_relay(folder) as evil:
        evil.say = lambda ear, frame: [...]          # what it says to whom, in place of each frame
        await evil.insert(channel, envelope)         # it stores what no honest relay takes

`say` sees every frame that the real relay is about to send to a client, with the card it is for
(None before it has authenticated), and returns the frames that go out in its place: none to
withhold it, others to lie. `insert` commits an item past all checks, and the real fan-out delivers
it. Rules that decide what is accepted are module functions of `peerpost_relay`, looked up at each
call: `monkeypatch.setattr("peerpost_relay.publishing.require_member", lambda *_: None)`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from peerpost_protocol.frames import (
    Deliver,
    Item,
    ItemKind,
    ReceiptNotice,
    RelayFrame,
    StreamPage,
    decode_relay_frame,
    encode_frame,
)
from peerpost_protocol.signing import Signed
from peerpost_protocol.wire import encode
from peerpost_relay.connection import Connection
from peerpost_relay.framing import frame
from peerpost_relay.outcomes import Appended, Outcome
from peerpost_relay.peer import Line, Peer
from peerpost_relay.relay import Relay
from peerpost_relay.store import Snapshot, Transaction
from peerpost_relay.writer import Write
from tests.support.relay_server import OPEN, running_relay

Say = Callable[[bytes | None, RelayFrame], Iterable[RelayFrame]]
Rewrite = Callable[[list[Item]], list[Item]]


def honest(_ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
    """Say what the real relay says."""
    return [said]


class LyingLine:
    """Be a peer's line on which everything goes through the relay's `say`."""

    def __init__(self, line: Line, peer: Peer, relay: "MaliciousRelay") -> None:
        self._line = line
        self._peer = peer
        self._relay = relay
        self.pause_reading = line.pause_reading
        self.resume_reading = line.resume_reading
        self.widen = line.widen
        self.close = line.close

    @property
    def buffered(self) -> int:
        return self._line.buffered

    def send(self, framed: bytes) -> None:
        proof = self._peer.session.proof
        ear = proof.card.id if proof is not None else None
        for said in self._relay.say(ear, decode_relay_frame(unframed(framed))):
            self._line.send(frame(encode_frame(said)))

    def offer(self, framed: bytes, bytes_max: int) -> bool:
        if self.buffered > bytes_max:
            return False
        self.send(framed)
        return True


class MaliciousRelay(Relay):
    """Be the real relay; `say` is its one changed rule."""

    say: Say = staticmethod(honest)
    url = ""

    def opened(self, connection: Connection) -> None:
        super().opened(connection)
        peer = self._peers[connection]
        peer.line = LyingLine(peer.line, peer, self)

    async def insert(
        self, channel: bytes, body: bytes | Signed, *, kind: ItemKind | None = None
    ) -> int:
        """Put an item at the channel's end past every check; return its position."""
        signed = isinstance(body, Signed)
        what = kind if kind is not None else ItemKind(0 if signed else 1)
        data = encode(body) if isinstance(body, Signed) else body

        def operation(transaction: Transaction) -> Outcome:
            there = transaction.channel(channel)
            assert there is not None
            item = Item(there.last + 1, what, time.time_ns() // 1_000_000, data)
            transaction.append(there, item, None)
            return Outcome(channel, item.position, Appended(channel, item))

        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._writer.put(Write(operation, done.set_result))
        return (await done).position

    def rewrite(self, ear: bytes, rule: Rewrite) -> None:
        """Change the items that one card is brought or reads; an empty list withholds them."""

        def say(whose: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
            if whose != ear or not isinstance(said, Deliver | StreamPage):
                return [said]
            items = rule(list(said.items))
            if isinstance(said, StreamPage):  # who reads again is told the same
                return [replace(said, items=tuple(items))]
            return [Deliver(said.channel, tuple(items))] if items else []

        self.say = say

    async def notice(self, ear: bytes, channel: bytes, receipt: Signed) -> None:
        """Bring a receipt to one card that the store does not hold."""
        peers = [p for p in self._peers.values() if p.session.proof is not None]
        for peer in peers:
            assert peer.session.proof is not None
            if peer.session.proof.card.id == ear:
                peer.send(ReceiptNotice(channel, 1_000, receipt))


def envelopes(rule: Callable[[bytes], bytes | None]) -> Rewrite:
    """Return the rule that gives each envelope other bytes, or leaves it out for None."""

    def rewrite(items: list[Item]) -> list[Item]:
        kept = []
        for item in items:
            body = rule(item.body) if item.kind is ItemKind.ENVELOPE else item.body
            if body is not None:
                kept.append(replace(item, body=body))
        return kept

    return rewrite


def unframed(framed: bytes) -> bytes:
    """Return the payload of an unmasked frame (RFC 6455, section 5.2)."""
    return framed[{126: 4, 127: 10}.get(framed[1], 2) :]


@asynccontextmanager
async def malicious_relay(folder: Path, port: int = 0) -> AsyncIterator[MaliciousRelay]:
    """Serve `folder` by a malicious relay that is honest until its rule is changed."""
    async with running_relay(folder, OPEN, port=port, make=MaliciousRelay) as running:
        relay = running.relay
        assert isinstance(relay, MaliciousRelay)
        relay.url = running.url
        yield relay


async def stored(relay: MaliciousRelay, channel: bytes) -> list[Item]:
    """Return what the relay's store holds of a channel."""

    def query(snapshot: Snapshot) -> list[Item]:
        there = snapshot.channel(channel)
        assert there is not None
        return snapshot.items(there.number, 0, there.last, 500, 2**30)[0]

    return await relay._store.read(query)
