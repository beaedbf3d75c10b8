"""A relay killed under load, readers that come and go and one that does not read: nobody misses or doubles anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

from websockets.exceptions import WebSocketException

from peerpost_protocol.frames import Accepted, Cursor, Deliver, Publish, Subscribed
from tests.faults.checker import Given, Said, judge
from tests.faults.slow_reader import not_reading
from tests.support.processes import free_port
from tests.support.relay_client import Person, RelayClient
from tests.support.site import RelayProcess

ENVELOPES = 400
CHARACTERS = 2_000
WINDOW = 32
KILLED_AT = (60, 220)  # envelopes that were acknowledged by then
STAYS_FOR = (7, 90)  # items that each of the readers takes before it drops its connection
KEPT_BYTES = 32_768  # by the kernel, for the one that does not read
LIVE_BYTES = 65_536  # so that who does not read falls behind soon
GONE = (OSError, WebSocketException)


class Load:
    """Be one channel under load, and what everybody was given of it."""

    def __init__(self, relay: RelayProcess, people: list[Person]) -> None:
        self.relay = relay
        self.people = people
        self.up, self.killed, self.published = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.kills = 0
        self.roster, self.event = people[0].create(people[1:])
        author = people[0]
        self.envelopes = [
            author.envelope(self.roster, "x" * CHARACTERS, to=people[1:]) for _ in range(ENVELOPES)
        ]
        self._numbers = {envelope: number for number, envelope in enumerate(self.envelopes)}

    async def begin(self) -> None:
        """Start the relay, publish the cards and begin the channel."""
        await self.start()
        clients = [await RelayClient.register(self.relay.url, each) for each in self.people]
        assert isinstance(await clients[0].submit(self.event), Accepted)
        for client in clients:
            await client.close()

    async def start(self) -> None:
        """Start the relay on its folder."""
        listen = f"127.0.0.1:{self.relay.port}"
        where = ("--data", self.relay.folder, "--listen", listen)
        bound = f"relay.live_bytes_max={LIVE_BYTES}"
        await self.relay.process.start("serve", *where, "--allow-unverified", "--set", bound)
        self.up.set()

    async def publish(self) -> None:
        """Publish everything, again from the first without an answer when the relay has been killed."""
        done = 0
        for until in (*KILLED_AT, ENVELOPES):
            while done < until:
                done = await self._publish(done, until)
            if until < ENVELOPES:
                await self._kill()
        self.published.set()

    async def _publish(self, first: int, until: int) -> int:
        """Return how many are acknowledged. More than those are sent: they are what a kill catches."""
        answered = first
        async with await RelayClient.connect(self.relay.url, self.people[0]) as client:
            for sent in range(first, min(until + WINDOW, ENVELOPES)):
                await client.send(Publish(client.request(), self.envelopes[sent]))
                if sent - answered >= WINDOW:
                    await client.expect(Accepted)
                    answered += 1
            while answered < until:
                await client.expect(Accepted)
                answered += 1
            client.socket.transport.abort()
        return answered

    async def _kill(self) -> None:
        self.up.clear()
        await self.relay.process.kill()
        await self.start()
        self.kills += 1
        if self.kills == len(KILLED_AT):
            self.killed.set()

    async def follow(self, person: Person, stays_for: int) -> list[Given]:
        """Follow from the cursor of what came, with a new connection every so many items."""
        given: list[Given] = []
        while len(given) < ENVELOPES:
            await self.up.wait()
            try:
                async with await RelayClient.connect(self.relay.url, person) as client:
                    until = min(len(given) + stays_for, ENVELOPES)
                    await self._subscribe(client, given)
                    await self._take(client, given, until)
                    client.socket.transport.abort()
            except GONE:
                continue
        return given

    async def late(self, person: Person) -> list[Given]:
        """Follow from the last kill on: read what is there, then nothing before everything is published."""
        await self.killed.wait()
        given: list[Given] = []
        while len(given) < ENVELOPES:
            await self.up.wait()
            try:
                async with await not_reading(self.relay.port, person, KEPT_BYTES) as client:
                    await self._subscribe(client, given)
                    await self._take(client, given, KILLED_AT[-1])
                    await self.published.wait()
                    await self._take(client, given, ENVELOPES)
                    client.socket.transport.abort()
            except GONE:
                continue
        return given

    async def _subscribe(self, client: RelayClient, given: list[Given]) -> None:
        after = given[-1].cursor if given else 1
        cursor = Cursor(self.roster.channel, after, 0)
        assert isinstance(await client.subscribe(cursor, everything=False), Subscribed)

    async def _take(self, client: RelayClient, given: list[Given], until: int) -> None:
        while len(given) < until:
            frame = await client.next()
            if isinstance(frame, Deliver):
                given += [self._given(item.position, item.body) for item in frame.items]

    def _given(self, position: int, body: bytes) -> Given:
        number = self._numbers.get(body)
        return Given(position, sha256(body).hexdigest(), "alice", "team", str(number))

    def said(self) -> list[Said]:
        """Return what was published; all of it was acknowledged."""
        return [
            Said("alice", "team", number, str(number), sha256(envelope).hexdigest())
            for number, envelope in enumerate(self.envelopes)
        ]


@asynccontextmanager
async def _loaded(folder: Path) -> AsyncIterator[Load]:
    relay = RelayProcess(folder / "relay", free_port())
    people = [Person(f"{name}@example.org") for name in ("alice", "bob", "carol", "dave")]
    load = Load(relay, people)
    try:
        await load.begin()
        yield load
    finally:
        await relay.process.kill()


async def test_kills_reconnections_and_a_reader_that_does_not_read_lose_and_double_nothing(
    tmp_path: Path,
) -> None:
    async with _loaded(tmp_path) as load, asyncio.TaskGroup() as tasks:
        publishing = tasks.create_task(load.publish())
        logs = [
            tasks.create_task(load.follow(person, stays_for))
            for person, stays_for in zip(load.people[1:3], STAYS_FOR, strict=True)
        ]
        logs.append(tasks.create_task(load.late(load.people[3])))
        await publishing
        for person, log in zip(load.people[1:], logs, strict=True):
            verdict = judge(person.card.identity, load.said(), await log)
            assert verdict.is_clean, verdict
            assert (verdict.given, verdict.again) == (ENVELOPES, 0)
