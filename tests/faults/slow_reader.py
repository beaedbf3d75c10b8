"""A follower that does not read while a flood passes: what it costs the relay and the others.

Real relay process; one publisher, one follower that reads (whose latencies are measured), and one
that stops reading. Floods without and with the one that does not read take turns, and which of the two comes
first does too: a store that has grown and a machine that does other work slow both down alike.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from websockets.asyncio.client import connect

from peerpost_protocol.frames import Accepted, Cursor, Deliver, Item, Publish, Subscribed
from peerpost_protocol.limits import MAX_FRAME
from peerpost_protocol.roster import Roster
from tests.faults.victims import Victim
from tests.support.processes import free_port
from tests.support.relay_client import Person, RelayClient
from tests.support.site import RelayProcess

BODY_CHARACTERS = 900  # an envelope of about 1 KiB for two cards
WINDOW = 64  # envelopes on their way to the relay at once
SOCKET_BYTES = 4096  # that the kernel keeps for the one that does not read
MEBIBYTE = 2**20


@dataclass(frozen=True)
class Flood:
    """Be the figures of one flood."""

    envelopes: int
    bytes: int
    seconds: float
    median_ms: float
    p99_ms: float
    grown_bytes: int  # of the relay's resident memory
    processor_seconds: (
        float  # of the relay's: unlike latencies, it says little of other work on the machine
    )


@dataclass(frozen=True)
class Compared:
    """Be floods without and with a reader that does not read, and what that one read at last."""

    without: list[Flood]
    beside: list[Flood]
    read_late: list[int]
    expected: list[int]

    @property
    def grown_bytes(self) -> int:
        """Return by how much the relay's memory grew at most while one did not read."""
        return max(flood.grown_bytes for flood in self.beside)

    @property
    def violations(self) -> list[str]:
        """Return what broke a promise."""
        if self.read_late != self.expected:
            missing = len(set(self.expected) - set(self.read_late))
            return [f"the slow reader missed {missing} of {len(self.expected)} or had some twice"]
        return []


class _Flooding:
    """Be a relay with its publisher and the follower that reads."""

    def __init__(self, relay: RelayProcess, people: list[Person], roster: Roster) -> None:
        self.relay = relay
        self.people = people
        self.roster = roster
        self.publisher: RelayClient
        self.reader: Reader
        self.last = 0

    async def flood(self, count: int) -> Flood:
        """Publish so many, measuring from the frame's start to its arrival at the reader."""
        sender = self.people[0]
        envelopes = [
            sender.envelope(self.roster, "x" * BODY_CHARACTERS, to=self.people[1:])
            for _ in range(count)
        ]
        before, worked = self._resident(), self.relay.process.processor_seconds()
        began: dict[bytes, float] = {}
        latencies: list[float] = []
        start = time.monotonic()
        reading = asyncio.create_task(self._read(count, began, latencies))
        await self._publish(envelopes, began)
        await reading
        took = time.monotonic() - start
        latencies.sort()
        return Flood(
            count,
            sum(map(len, envelopes)),
            took,
            latencies[len(latencies) // 2] * 1000,
            latencies[len(latencies) * 99 // 100] * 1000,
            self._resident() - before,
            self.relay.process.processor_seconds() - worked,
        )

    def _resident(self) -> int:
        return self.relay.process.resident_bytes() or 0

    async def _publish(self, envelopes: list[bytes], began: dict[bytes, float]) -> None:
        client = self.publisher
        waiting = 0
        for envelope in envelopes:
            began[envelope] = time.monotonic()
            await client.send(Publish(client.request(), envelope))
            waiting += 1
            while waiting >= WINDOW:
                self._note(await client.expect(Accepted))
                waiting -= 1
        for _ in range(waiting):
            self._note(await client.expect(Accepted))

    def _note(self, answer: Accepted) -> None:
        self.last = max(self.last, answer.position)

    async def _read(self, count: int, began: dict[bytes, float], latencies: list[float]) -> None:
        while len(latencies) < count:
            items = await self.reader.items_now(self.roster.channel)
            now = time.monotonic()
            latencies += [now - began[item.body] for item in items]


class Reader(RelayClient):
    """Read whatever is there, without a bound on the count."""

    async def items_now(self, channel: bytes) -> tuple[Item, ...]:
        """Return the items of the next delivery in a channel."""
        while True:
            frame = await self.next()
            if isinstance(frame, Deliver) and frame.channel == channel:
                return frame.items


async def compare(folder: Path, count: int, rounds: int = 1) -> Compared:
    """Flood without and beside, in turns; return the figures and what the slow readers got once they read again."""
    compared = Compared([], [], [], [])
    async with _flooding(folder) as flooding:
        for number in range(rounds):
            for beside in (False, True) if number % 2 == 0 else (True, False):
                if beside:
                    await _flood_beside(flooding, count, compared)
                else:
                    compared.without.append(await flooding.flood(count))
    return compared


async def _flood_beside(flooding: _Flooding, count: int, compared: Compared) -> None:
    channel, first = flooding.roster.channel, flooding.last + 1
    async with await not_reading(flooding.relay.port, flooding.people[2]) as slow:
        answer = await slow.subscribe(Cursor(channel, flooding.last, 0), everything=False)
        assert isinstance(answer, Subscribed), answer
        compared.beside.append(await flooding.flood(count))
        compared.expected.extend(range(first, flooding.last + 1))
        while len(compared.read_late) < len(compared.expected):
            compared.read_late.extend(item.position for item in await slow.items_now(channel))


@asynccontextmanager
async def _flooding(folder: Path) -> AsyncIterator[_Flooding]:
    relay = RelayProcess(folder / "relay", free_port())
    relay.process = Victim("relay", folder / "relay.log")
    people = [Person(f"{name}@example.org") for name in ("alice", "bob", "carol")]
    where = f"127.0.0.1:{relay.port}"
    async with AsyncExitStack() as stack:
        stack.push_async_callback(relay.process.kill)
        await relay.process.start(
            "serve", "--data", relay.folder, "--listen", where, "--allow-without-token"
        )
        clients = [
            await stack.enter_async_context(await Reader.register(relay.url, person))
            for person in people
        ]
        roster, event = people[0].create(people[1:])
        assert isinstance(await clients[0].submit(event), Accepted)
        flooding = _Flooding(relay, people, roster)
        flooding.publisher, flooding.reader = clients[0], clients[1]
        cursor = Cursor(roster.channel, 1, 0)
        assert isinstance(await clients[1].subscribe(cursor, everything=False), Subscribed)
        yield flooding


async def not_reading(port: int, person: Person, kept_bytes: int = SOCKET_BYTES) -> Reader:
    """Return a client that reads nothing from its socket but what is waited for."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, kept_bytes)
    raw.setblocking(False)  # noqa: FBT003
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
    opened = await connect(
        f"ws://127.0.0.1:{port}",
        sock=raw,
        compression=None,
        proxy=None,
        max_size=MAX_FRAME,
        max_queue=1,
        ping_interval=None,
    )
    client = Reader(opened)
    await client.greet()
    await client.authenticate(person)
    return client
