"""A host: a vault that outlives its daemons, the daemon that runs now, its consumer, and the script that sends.

The daemon is the real engine over the real vault. The script queues messages by what `message.send` is made of, under
idempotency keys, again until there is an answer; the consumer reads what `event.subscribe` reads, acknowledges, and
goes on from its durable cursor after a restart.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TypeVar

from peerpost_daemon import event_data
from peerpost_daemon.bell import Bell
from peerpost_daemon.engine import Engine
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.ids import message_text, new_message_id
from peerpost_daemon.link import LinkSettings
from peerpost_daemon.methods.order import Order, Room, queue
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import consumers, event_pages, schema
from peerpost_daemon.records.account import Account
from peerpost_daemon.records.consumers import Terms
from peerpost_daemon.records.outgoing import Outgoing
from peerpost_daemon.upkeep import Upkeep
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import DeviceKeys, issue_card
from tests.faults.checker import Given, Said
from tests.faults.simulation.loop import Delay
from tests.faults.simulation.threads import PROCESS, Process
from tests.faults.simulation.trace import Trace

CONSUMER = "script"
ROOM = Room(100_000, 1 << 30, 1.0)
PAGE, PAGE_BYTES = 20, 1 << 20
RETRY_SECONDS = 2.0
LOST_ANSWERS = 0.1  # share of the script's orders that are taken and whose answer does not come
WATCH_SECONDS = 60.0  # between two looks for unanswered requests
BEGAN_MS = 1_750_000_000_000
ALARMS = (event_data.QUARANTINE, event_data.DAEMON, event_data.CONTACT_CHANGED)

T = TypeVar("T")


class Clock:
    """Be a host's wall clock: of virtual time, and wrong by as much as somebody set it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.wrong_ms = 0

    def now_ms(self) -> int:
        return BEGAN_MS + self.wrong_ms + int(self._loop.time() * 1000)


class Host:
    """Be a machine with a daemon."""

    def __init__(self, name: str, folder: Path, trace: Trace, draw: Random, work: Delay) -> None:
        self.name = name
        self.identity = f"{name}@example.org"
        self.clock = Clock()
        self.said: list[Said] = []
        self.given: list[Given] = []
        self.alarms: list[str] = []
        self.faults = 0
        self.running = asyncio.Event()
        self._folder = folder / name
        self._trace = trace
        self._draw = draw
        self._work = work
        self._answers = Random(f"{draw.random()} answers")
        self._orders: deque[tuple[str, Order]] = deque()
        self._ordered = asyncio.Event()
        self.process: Process | None = None
        self.database: Database
        self.engine: Engine
        self.upkeep: Upkeep
        self.bell: Bell
        self._consumer: asyncio.Task[None]
        self._changing = asyncio.Lock()

    # -- the daemon's life -----------------------------------------------------------------------

    async def start(self) -> None:
        """Start the daemon, unless it runs."""
        async with self._changing:
            if self.process is None:
                self._trace.note(f"{self.name} starts")
                process = Process(self.name, self._work)
                context = copy_context()
                context.run(PROCESS.set, process)
                loop = asyncio.get_running_loop()
                await loop.create_task(self._start(), context=context)
                self.process = process
                self.running.set()

    async def _start(self) -> None:
        self.database = await Database.open(self._folder / "vault.db", bytes(32), schema.MIGRATIONS)
        account = await self.database.read(accounts.find)
        if account is None:
            await self.database.write(self._create)
            account = await self.database.read(accounts.find)
        assert account is not None
        self.account = account
        self.bell = Bell()
        self.upkeep = Upkeep(self.database, self.bell, None, now_ms=self.clock.now_ms)
        self.upkeep.start()
        self.engine = self._engine(account)
        await self.engine.start()
        self._consumer = asyncio.create_task(self._consume())

    def _engine(self, account: Account) -> Engine:
        settings = LinkSettings(f"ws://localhost/{self.name}", watch_interval=WATCH_SECONDS)
        return Engine(
            self.database,
            account,
            None,
            settings,
            self.bell,
            now_ms=self.clock.now_ms,
            random_bytes=self._draw.randbytes,
        )

    def _create(self, db: SqlConnection) -> None:
        seed, private = self._draw.randbytes(32), self._draw.randbytes(32)
        keys = DeviceKeys(seed, private)
        accounts.create(db, issue_card(keys, self.identity, "test", BEGAN_MS), seed, private)
        accounts.aim(db, f"ws://localhost/{self.name}", None)
        consumers.add(db, CONSUMER, 0, Terms(), BEGAN_MS)

    async def stop(self) -> None:
        """End the daemon as a service manager does."""
        await self._end(killed=False)

    async def crash(self) -> None:
        """Kill the daemon: what is not committed is gone."""
        await self._end(killed=True)

    async def _end(self, *, killed: bool) -> None:
        async with self._changing:
            if self.process is None:
                return
            self._trace.note(f"{self.name} {'is killed' if killed else 'stops'}")
            self.running.clear()
            process, self.process = self.process, None
            self.faults += self.engine.faults + self.upkeep.faults
            if killed:
                process.die()
            self._consumer.cancel()
            await asyncio.gather(self._consumer, return_exceptions=True)
            await self.engine.close()
            await self.upkeep.close()
            if killed:
                self.database._task.cancel()
                await asyncio.gather(self.database._task, return_exceptions=True)
                await self.database._stack.aclose()
            else:
                await self.database.close()

    # -- the script ------------------------------------------------------------------------------

    def say(self, text: str, *, channel: bytes | None = None, to: str | None = None) -> None:
        """Let the script send a text, after those before it; `to` is an identity."""
        place = channel.hex() if channel is not None else pair(self.identity, to or "")
        number = len(self.said)
        self.said.append(Said(self.identity, place, number, text, None))
        reference = None if channel is None else channel.hex()
        order = Order(to, reference, None, text.encode(), None, None, f"key {number}")
        self._orders.append((text, order))
        self._ordered.set()

    @property
    def is_idle(self) -> bool:
        """Tell whether the script has nothing to send."""
        return not self._orders

    async def script(self) -> None:
        """Send what is to be said, one after the other, until cancelled."""
        done = 0
        while True:
            while self._orders:
                _, order = self._orders[0]
                message = await self._queued(order)
                if message is not None:
                    self.said[done] = replace(self.said[done], message=message)
                self._trace.note(f"{self.name} said {self.said[done].text}: {message}")
                self._orders.popleft()
                done += 1
            self._ordered.clear()
            await self._ordered.wait()

    async def _queued(self, order: Order) -> str | None:
        """Return the message's id, None when it is refused for good."""
        while True:
            await self.running.wait()
            try:
                outgoing = await self._queue(order)
                if self._answers.random() < LOST_ANSWERS:
                    self._trace.note(f"{self.name} hears no answer")
                    outgoing = await self._queue(order)
            except DaemonError as error:
                if error.kind == "not_a_member":
                    return None
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return message_text(outgoing.message)

    async def _queue(self, order: Order) -> Outgoing:
        now_ms = self.clock.now_ms()
        fresh = new_message_id(now_ms, self._draw.randbytes)
        self.engine.outbound.wake()
        return await self.database.write(
            lambda db: queue(db, order, fresh, now_ms, own=self.account, room=ROOM)
        )

    async def ask(self, function: Callable[[SqlConnection], T]) -> T:
        """Read the vault of the running daemon."""
        return await self.database.read(function)

    # -- the consumer ----------------------------------------------------------------------------

    async def _consume(self) -> None:
        try:
            while True:
                seen = self.bell.rings
                if not await self._hear():
                    await self.bell.wait(seen)
        except Exception as error:  # noqa: BLE001  the verdict names it
            if isinstance(error, DaemonError) and error.kind == "locked":
                return  # the vault is closed
            self.alarms.append(f"the consumer failed: {error!r}")

    async def _hear(self) -> bool:
        """Take a page, or a part of it, and acknowledge it; return whether there was anything."""
        page = await self.database.read(_page)
        upto = page.upto
        for event in page.events:
            self._note(event)
            if self._draw.random() < 0.02:
                upto = event.cursor  # the rest is given again
                break
        if page.events:
            now_ms = self.clock.now_ms()
            await self.database.write(lambda db: consumers.acknowledge(db, CONSUMER, upto, now_ms))
        return bool(page.events)

    def _note(self, event: event_pages.PagedEvent) -> None:
        if event.kind in ALARMS:
            self.alarms.append(f"{event.kind} {(event.data or b'').decode()}")
            self._trace.note(f"{self.name} ALARM {self.alarms[-1]}")
        if event.message is None or event.message.message.mine:
            return
        said = event.message.message
        assert said.channel is not None
        is_direct = event.message.channel_name == said.identity
        place = pair(self.identity, said.identity) if is_direct else said.channel.hex()
        id_, text = message_text(said.id), said.body.decode()
        self.given.append(Given(event.cursor, id_, said.identity, place, text))
        self._trace.note(f"{self.name} hears {text}")


def pair(one: str, other: str) -> str:
    """Return what a direct channel is called in verdicts."""
    return " and ".join(sorted((one, other)))


def _page(db: SqlConnection) -> event_pages.Page:
    consumer = consumers.find(db, CONSUMER)
    assert consumer is not None
    wanted = consumer.terms.wanted
    return event_pages.page(db, consumer.acknowledged, wanted, limit=PAGE, limit_bytes=PAGE_BYTES)
