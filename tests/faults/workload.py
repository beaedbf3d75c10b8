"""What goes on during a fault: members who speak into every channel and consume what they get.

Each member is a script beside its daemon and does what a careful script does: every message has an
idempotency key and is sent again until the daemon has answered; the consumer has a name,
acknowledges each event and comes back whenever the daemon does.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any

from peerpost import LockedError, NoDaemonError, PeerpostError, TimeoutWaitingError
from peerpost.types import Status
from tests.faults.checker import Given, Said, Verdict, judge
from tests.support.site import DaemonProcess, Site

CONSUMER = "faults"
RETRY_SECONDS = 0.05
CHURN_SECONDS = 0.2  # between two changes of rosters
TURN_SECONDS = 0.01  # between two messages of one sender in one channel
SETTLE_SECONDS = 90.0
RETRIED = frozenset({"queue_full", "storage_full", "storage_failed", "relay_unreachable"})
PASSING = (NoDaemonError, LockedError, TimeoutWaitingError)


class Talker:
    """Speak into one channel through one daemon, a message after the other."""

    def __init__(self, daemon: DaemonProcess, channel: str, turn_seconds: float) -> None:
        self.said: list[Said] = []
        self.unanswered = 0
        self.refusals: dict[str, int] = {}
        self.channel = channel
        self._daemon = daemon
        self._turn_seconds = turn_seconds
        self._stopped = False

    def stop(self) -> None:
        """Begin no further message."""
        self._stopped = True

    async def run(self) -> None:
        """Speak until stopped; the last message has its answer then."""
        for number in itertools.count():
            if self._stopped:
                return
            await self._say(number)
            await asyncio.sleep(self._turn_seconds)

    async def _say(self, number: int) -> None:
        who = self._daemon.identity
        text = f"{who} says {number} in {self.channel[:8]}"
        place = len(self.said)
        self.said.append(Said(who, self.channel, number, text, None))
        key = f"{self.channel[:8]} {number}"
        while True:
            try:
                delivery = await self._daemon.client.send(
                    channel=self.channel, text=text, idempotency_key=key
                )
            except PASSING:
                self.unanswered += 1
            except PeerpostError as error:
                if error.kind not in RETRIED:
                    raise
                self.refusals[error.kind] = self.refusals.get(error.kind, 0) + 1
            else:
                self.said[place] = Said(who, self.channel, number, text, delivery["message"])
                return
            await asyncio.sleep(RETRY_SECONDS)


class Hearer:
    """Consume what one daemon has, and write everything down."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self.daemon = daemon
        self.log: list[Given] = []
        self.heard: set[str] = set()
        self.warnings: list[dict[str, object]] = []
        self.news = asyncio.Event()

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                with suppress(*PASSING):
                    await self._listen()
            except PeerpostError as error:
                if error.kind not in RETRIED:
                    raise
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        client = self.daemon.client
        kinds = ["message", "quarantine"]
        async with client.listen(consumer=CONSUMER, kinds=kinds) as events:
            async for event in events:
                self._hear(event["kind"], event["cursor"], dict(event["data"]))
                try:
                    await client.ack(event)
                except PeerpostError:
                    return  # it is given again to who listens anew; else a window of these would be the end

    def _hear(self, kind: str, cursor: int, data: dict[str, object]) -> None:
        if kind == "quarantine":
            self.warnings.append(data)
            return
        words = (str(data[name]) for name in ("message", "from", "channel", "text"))
        given = Given(cursor, *words)
        self.log.append(given)
        self.heard.add(given.message)
        self.news.set()


class Workload:
    """Let every member of a site speak into every channel and consume, until `settle`."""

    def __init__(
        self, site: Site, members: Sequence[DaemonProcess], turn_seconds: float = TURN_SECONDS
    ) -> None:
        self.site = site
        self.members = list(members)
        self.hearers = [Hearer(member) for member in members]
        self.talkers: list[Talker] = []
        self.changes = 0  # of rosters
        self.longest_change = 0.0  # seconds
        self.churn_errors: Counter[str] = Counter()
        self._turn_seconds = turn_seconds
        self._churning: asyncio.Task[None] | None = None
        self._listening: list[asyncio.Task[None]] = []
        self._talking: list[asyncio.Task[None]] = []

    async def begin(self, *channels: str, silent: Iterable[DaemonProcess] = ()) -> None:
        """Make the channels, whose members are everybody, and begin to talk and to listen."""
        first, *others = self.members
        quiet = {member.identity for member in silent}
        for name in channels:
            made = await first.client.channel_create(name, [other.identity for other in others])
            for other in others:
                await other.joined(made["channel"])
            self.talkers += [
                Talker(member, made["channel"], self._turn_seconds)
                for member in self.members
                if member.identity not in quiet
            ]
        self._listening = [asyncio.create_task(hearer.run()) for hearer in self.hearers]
        self._talking = [asyncio.create_task(talker.run()) for talker in self.talkers]

    def churn(self, owner: DaemonProcess, guest: str) -> None:
        """Add a guest to every channel and remove it, over and over; it is not judged."""
        self._churning = asyncio.create_task(self._churn(owner, guest))

    async def _churn(self, owner: DaemonProcess, guest: str) -> None:
        channels = sorted({talker.channel for talker in self.talkers})
        while True:
            for change in (owner.client.channel_add, owner.client.channel_remove):
                for channel in channels:
                    while await self._fails(change(channel, [guest])):
                        pass
                    await asyncio.sleep(CHURN_SECONDS)

    async def _fails(self, change: Coroutine[Any, Any, object]) -> bool:
        """Tell, after a moment, whether a change of a roster has to be tried again."""
        began = time.monotonic()
        try:
            await change
        except PeerpostError as error:
            self.churn_errors[error.kind] += 1
            await asyncio.sleep(RETRY_SECONDS)
            return error.kind != "invalid_params"  # that: an unanswered call has changed it
        self.changes += 1
        self.longest_change = max(self.longest_change, time.monotonic() - began)
        return False

    @property
    def said(self) -> list[Said]:
        """Return everything that was said so far."""
        return [one for talker in self.talkers for one in talker.said]

    def check(self) -> None:
        """Raise what ended a member that should go on."""
        for task in self._tasks():
            if task.done() and not task.cancelled():
                task.result()

    async def more(self, count: int) -> None:
        """Wait until so many more messages have been acknowledged."""
        wanted = self.acknowledged + count
        async with asyncio.timeout(SETTLE_SECONDS):
            while self.acknowledged < wanted:
                self.check()
                await asyncio.sleep(RETRY_SECONDS)

    @property
    def acknowledged(self) -> int:
        """Return how many messages have an answer."""
        return sum(one.message is not None for one in self.said)

    async def settle(self, seconds: float = SETTLE_SECONDS) -> list[Verdict]:
        """Stop talking, wait until everything arrived and nothing is under way; return verdicts."""
        for talker in self.talkers:
            talker.stop()
        if self._churning is not None:
            self._churning.cancel()
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*self._talking)
                for hearer in self.hearers:
                    await self._has_heard_all(hearer)
                for member in self.members:
                    await self._nothing_under_way(member)
        except TimeoutError:
            pass  # the verdicts say what is missing, `undelivered` what is under way
        return self.verdicts()

    def verdicts(self) -> list[Verdict]:
        """Judge what every member was given."""
        return [judge(h.daemon.identity, self.said, h.log) for h in self.hearers]

    async def undelivered(self) -> dict[str, object]:
        """Return what is still under way at each member; empty is right."""
        outboxes: dict[str, object] = {}
        for member in self.members:
            status = await member.client.status()
            if self._under_way(status):
                outboxes[member.identity] = status["outbox"]
        return outboxes

    async def end(self) -> None:
        """Stop everything, whatever state it is in."""
        for task in self._tasks():
            task.cancel()
        await asyncio.gather(*self._tasks(), return_exceptions=True)

    def _tasks(self) -> list[asyncio.Task[None]]:
        churning = [] if self._churning is None else [self._churning]
        return [*self._talking, *self._listening, *churning]

    async def _has_heard_all(self, hearer: Hearer) -> None:
        said = self.said
        wanted = {o.message for o in said if o.message and o.sender != hearer.daemon.identity}
        while not wanted <= hearer.heard:
            hearer.news.clear()
            await hearer.news.wait()

    async def _nothing_under_way(self, member: DaemonProcess) -> None:
        while True:
            with suppress(*PASSING):
                if not self._under_way(await member.client.status()):
                    return
            await asyncio.sleep(RETRY_SECONDS)

    def _under_way(self, status: Status) -> bool:
        """Tell whether something waits: for the relay, or for members who are always there."""
        outbox = status["outbox"]
        waits = 0 if self._churning is not None else outbox["unacknowledged"]
        return bool(outbox["queued"] or waits)
