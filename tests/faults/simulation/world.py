"""The world: all hosts, the relay, the network between them, and what ties them to virtual time and one seed."""

import asyncio
import logging
import os
import sqlite3
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest.mock import patch

from peerpost_daemon import engine as engine_module
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link import relay_link
from peerpost_daemon.outbound import pump
from peerpost_daemon.records import channels
from peerpost_daemon.vault import connection as vault_connection
from peerpost_relay import relay as relay_module
from peerpost_relay.sqlite_store import schema as store_schema
from peerpost_relay.sqlite_store import worker as store_worker
from tests.faults.simulation.hosts import Host
from tests.faults.simulation.loop import FIRST_SECOND, VirtualLoop
from tests.faults.simulation.pipes import Network
from tests.faults.simulation.station import Station
from tests.faults.simulation.threads import Worker
from tests.faults.simulation.trace import Trace

NEVER = 1e9  # seconds
CHANGE_SECONDS = 600.0
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  files of one run, in a folder of their own

T = TypeVar("T")


class Complaints(logging.Handler):
    """Gather what anybody logs as an error: nothing here may go wrong unforeseen."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class World:
    """Be everything there is, from one seed."""

    def __init__(self, seed: int, folder: Path, loop: VirtualLoop) -> None:
        self.seed = seed
        self.loop = loop
        self.complaints = Complaints()
        self.trace = Trace(loop, FIRST_SECOND)
        self.network = Network(self.stream("network"), self.trace)
        self.station = Station(folder, self.network, self.stream("relay"), self.work)
        self.hosts: dict[str, Host] = {}
        self.guests: set[str] = set()  # hosts that are no member of everything all the time
        self.tasks: list[asyncio.Task[None]] = []
        self._folder = folder
        self._threads = self.stream("threads")

    def stream(self, purpose: str) -> Random:
        """Return random numbers that nobody else draws."""
        return Random(f"{self.seed} {purpose}")

    def work(self) -> float:
        """Return the seconds that a job of a thread takes: mostly hardly any."""
        return 1e-6 + 0.08 * self._threads.random() ** 8

    async def host(self, name: str) -> Host:
        """Add a host and start its daemon."""
        host = Host(name, self._folder, self.trace, self.stream(name), self.work)
        self.hosts[name] = host
        self.tasks.append(asyncio.create_task(host.script()))
        await host.start()
        return host

    async def channel(self, owner: Host, name: str, *others: Host) -> bytes:
        """Begin a channel and wait until all its members follow it."""
        id_ = await owner.engine.channels.create(name, [other.identity for other in others])
        owner.engine.outbound.wake()
        for member in (owner, *others):
            while not await member.ask(lambda db: _is_active(db, id_)):  # noqa: ASYNC110  virtual time
                await asyncio.sleep(1)
        return id_

    async def change(self, owner: Host, channel: bytes, *, add: str = "", remove: str = "") -> bool:
        """Change a roster by its owner's daemon; return whether that is known to have worked.

        Raises TimeoutError when the daemon says neither yes nor no.
        """
        membership = owner.engine.channels
        try:
            async with asyncio.timeout(CHANGE_SECONDS):
                if add:
                    await membership.add(channel, [add])
                else:
                    await membership.remove(channel, [remove])
        except DaemonError as error:
            self.trace.note(f"{owner.name} could not change {channel.hex()[:6]}: {error.kind}")
            return False
        self.trace.note(f"{owner.name} {'added' if add else 'removed'} {add or remove}")
        return True

    async def heal(self) -> None:
        """End every fault."""
        for name, host in self.hosts.items():
            self.brighten(name)
            await host.start()
        await self.station.start()

    def darken(self, name: str) -> None:
        """Let nothing of a host reach the relay, nor anything of the relay it."""
        self.trace.note(f"{name} is in the dark")
        self.network.weather(name).dark = True
        for pipe in self.network.of(name):
            pipe.swallow()

    def brighten(self, name: str) -> None:
        """End what is wrong with a host's network."""
        weather = self.network.weather(name)
        weather.dark = False
        weather.bytes_per_second = None
        for pipe in self.network.of(name):
            pipe.down.bytes_per_second = None

    def drip(self, name: str, bytes_per_second: float) -> None:
        """Let a host read slowly."""
        self.network.weather(name).bytes_per_second = bytes_per_second
        for pipe in self.network.of(name):
            pipe.down.bytes_per_second = bytes_per_second

    async def end(self) -> None:
        """Stop everything."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for host in self.hosts.values():
            await host.crash()
        await self.station.crash()

    def store(self) -> sqlite3.Connection:
        """Open the relay's store beside it."""
        return sqlite3.connect(self.station.path)


def _is_active(db: Any, id_: bytes) -> bool:
    found = channels.find(db, id_)
    return found is not None and found.state is channels.ChannelState.ACTIVE


@contextmanager
def world(seed: int) -> Iterator[World]:
    """Make a world; run what happens in it by `world.loop.run_until_complete`."""
    draw = Random(f"{seed} modules")
    place = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory("simulation", dir=place))
        there: list[World] = []
        loop = VirtualLoop(lambda: there[0].work())  # noqa: PLW0108  it is not there yet
        stack.callback(loop.close)
        time = SimpleNamespace(monotonic=loop.time)
        aiosqlite = SimpleNamespace(Connection=Worker)
        for module, name, value in (
            (engine_module, "time", time),
            (relay_link, "time", time),
            (engine_module, "random", draw),
            (relay_module, "random", draw),
            (store_schema, "os", SimpleNamespace(urandom=draw.randbytes)),
            (store_worker, "aiosqlite", aiosqlite),
            (vault_connection, "aiosqlite", aiosqlite),
            (pump, "LOOK_AGAIN_SECONDS", NEVER),
        ):
            stack.enter_context(patch.object(module, name, value))

        async def make() -> World:
            made = World(seed, Path(folder), loop)
            there.append(made)
            stack.enter_context(patch.object(relay_link, "dial", made.network.dial))
            return made

        made = loop.run_until_complete(make())
        for name in ("peerpost_daemon", "peerpost_relay", "asyncio"):
            logging.getLogger(name).addHandler(made.complaints)
            stack.callback(logging.getLogger(name).removeHandler, made.complaints)
        try:
            yield made
        finally:
            loop.run_until_complete(made.end())
            rest = asyncio.all_tasks(loop)
            for task in rest:
                task.cancel()
            loop.run_until_complete(_gathered(rest))


async def _gathered(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def run(made: World, what: Coroutine[Any, Any, T]) -> T:
    """Run something in a world."""
    return made.loop.run_until_complete(what)
