"""The databases' workers without their threads: jobs one after the other, in the loop, after drawn delays.

This takes the place of aiosqlite in `vault.connection` and `sqlite_store.worker`, which use three things of it: open,
run a function, close. Between a job and its answer passes a moment too, so a process may die after a commit of which
it never heard. Whoever is dead runs no further job; nothing of a transaction is left, because a job is a whole one.
"""

import asyncio
from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import Any

from peerpost_daemon.errors import DaemonError
from tests.faults.simulation.loop import Delay


class DeadError(DaemonError):
    """Tell what is left of a process that nothing can be stored any more."""

    def __init__(self) -> None:
        super().__init__("locked", "the process is dead")


class Process:
    """Be what dies together: the jobs, sockets and tasks of one host between its start and its end."""

    def __init__(self, name: str, work: Delay) -> None:
        self.name = name
        self.work = work
        self.alive = True
        self.workers: list[Worker] = []

    def die(self) -> None:
        """Run no further job."""
        self.alive = False
        for worker in self.workers:
            worker.close_now()


PROCESS: ContextVar[Process] = ContextVar("process")


class Worker:
    """Be an aiosqlite connection, as far as it is used."""

    def __init__(self, connector: Callable[[], Any], iter_chunk_size: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = PROCESS.get()
        self._process.workers.append(self)
        self._connector = connector
        self._opened: Any = None
        self._busy_until = 0.0

    def __await__(self) -> Generator[Any, None, "Worker"]:
        """Open the database."""
        yield from self._execute(self._open).__await__()
        return self

    def _execute(self, function: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        if not self._process.alive:
            future.set_exception(DeadError())
            return future
        at = max(self._busy_until, self._loop.time()) + self._process.work()
        self._busy_until = at + self._process.work()
        self._loop.call_at(at, self._run, future, self._busy_until, function, args)
        return future

    async def close(self) -> None:
        """Close the database."""
        if self._process.alive:
            await self._execute(self.close_now)

    def close_now(self) -> None:
        """Close the database as the end of a process does."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _open(self) -> None:
        self._opened = self._connector()

    def _run(
        self, future: asyncio.Future[Any], at: float, function: Callable[..., Any], args: Any
    ) -> None:
        if not self._process.alive:
            _settle(future, None, DeadError())
            return
        result, failure = None, None
        try:
            result = function(*args)
        except Exception as error:  # noqa: BLE001  it is the caller's
            failure = error
        self._loop.call_at(at, _settle, future, result, failure)


def _settle(future: asyncio.Future[Any], result: Any, failure: Exception | None) -> None:
    if future.done():
        return
    if failure is not None:
        future.set_exception(failure)
        future.exception()
    else:
        future.set_result(result)
