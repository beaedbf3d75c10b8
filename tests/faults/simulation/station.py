"""The relay of the world: the real one over a store that outlives it."""

import asyncio
from contextvars import copy_context
from pathlib import Path
from random import Random

from peerpost_protocol.signing import SigningKey
from peerpost_relay.relay import Relay
from peerpost_relay.settings import RelaySettings
from peerpost_relay.sqlite_store import SqliteStore
from tests.faults.simulation.hosts import Clock
from tests.faults.simulation.loop import Delay
from tests.faults.simulation.pipes import Network, PipeListener
from tests.faults.simulation.threads import PROCESS, Process

SETTINGS = RelaySettings(
    allow_unverified=True,
    upkeep_seconds=3_600.0,
    drain_seconds=5.0,
    close_seconds=1.0,
    live_bytes_max=24 * 1024,
    page_bytes_max=8 * 1024,
)


class Station:
    """Be the machine of the relay."""

    def __init__(self, folder: Path, network: Network, draw: Random, work: Delay) -> None:
        self.clock = Clock()
        self.path = folder / "relay.db"
        self.failures: list[str] = []
        self._network = network
        self._draw = draw
        self._work = work
        self._key = SigningKey(draw.randbytes(32))
        self.process: Process | None = None
        self._store: SqliteStore
        self.relay: Relay
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Start the relay, unless it runs."""
        async with self._changing:
            if self.process is None:
                self._network.trace.note("the relay starts")
                self.process = Process("relay", self._work)
                context = copy_context()
                context.run(PROCESS.set, self.process)
                await asyncio.get_running_loop().create_task(self._start(), context=context)

    async def _start(self) -> None:
        self._store = await SqliteStore.open(self.path, SETTINGS)
        self.relay = Relay(
            self._store,
            self._key,
            SETTINGS,
            clock=self.clock.now_ms,
            monotonic=asyncio.get_running_loop().time,
            random_bytes=self._draw.randbytes,
        )
        self.relay._listener = PipeListener(self._network, self.relay)  # type: ignore[assignment]
        await self.relay.listen("pipes")

    async def stop(self) -> None:
        """End the relay as a service manager does."""
        async with self._changing:
            if self.process is None:
                return
            self._network.trace.note("the relay stops")
            await self.relay.close()
            await self._store.close()
            self._over()

    async def crash(self) -> None:
        """Kill the relay: what is not committed is gone."""
        async with self._changing:
            if self.process is None:
                return
            self._network.trace.note("the relay is killed")
            self.process.die()
            self._network.lose_all()
            for task in self.relay._tasks:
                task.cancel()
            await asyncio.gather(*self.relay._tasks, return_exceptions=True)
            self.relay._ingest.close()
            self._over()

    def _over(self) -> None:
        self.process = None
        if self.relay.failed.done():
            self.failures.append(repr(self.relay.failed.exception()))
