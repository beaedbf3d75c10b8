"""Whoever waits for a message to get somewhere. One read a ring of the bell serves all who wait.

How far a message is stands as a rank, a number that `ranks` reads from the vault for many messages at once: states for
those who wait for delivery, answers for those who have asked.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from peerpost_daemon.bell import Bell
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault.connection import SqlConnection

MAX_WATCHED: Final = 4096
_FULL_RETRY_SECONDS: Final = 1.0

T = TypeVar("T")
Ranks = Callable[[SqlConnection, list[bytes]], dict[bytes, int]]


class Read(Protocol):
    """Read the vault."""

    def __call__(self, function: Callable[[SqlConnection], T], /, *, quick: bool) -> Awaitable[T]:
        """Run a function over the vault."""


class _Watched:
    """One waiter."""

    def __init__(self, message: bytes, rank: int) -> None:
        self.message = message
        self.rank = rank
        self.reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Watch:
    """Wait for messages to reach a rank; `unknown` is that of a message which is not there."""

    def __init__(self, read: Read, bell: Bell, ranks: Ranks, *, unknown: int) -> None:
        self._read = read
        self._bell = bell
        self._ranks = ranks
        self._unknown = unknown
        self._watched: set[_Watched] = set()
        self._task: asyncio.Task[None] | None = None
        self._stopped: DaemonError | None = None

    async def rank_reached(self, message: bytes, rank: int) -> None:
        """Return once the message has reached the rank.

        Raises DaemonError: what reading raises (locked), queue_full when too many wait.
        """
        if self._stopped is not None:
            raise _like(self._stopped)
        if len(self._watched) >= MAX_WATCHED:
            raise DaemonError(
                "queue_full", "Too many wait for messages.", retry_after=_FULL_RETRY_SECONDS
            )
        watched = _Watched(message, rank)
        self._watched.add(watched)
        try:
            await self._look([watched])
            self._begin()
            with self._bell.hurry():
                await watched.reached
        finally:
            self._watched.discard(watched)

    def stop(self, error: DaemonError) -> None:
        """Tell those who wait, and whoever comes later, why nothing is waited for any more."""
        self._stopped = error
        self._fail(error)

    async def close(self) -> None:
        """End; nobody waits any more once `stop` has been called."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="watch")

    async def _run(self) -> None:
        """Look at every ring; end when nobody waits. It begins with a look: none rings meanwhile."""
        while self._watched:
            rings = self._bell.rings
            try:
                await self._look(list(self._watched))
            except DaemonError as error:
                self._fail(error)
            if self._watched:
                await self._bell.wait(rings)

    async def _look(self, watched: list[_Watched]) -> None:
        wanted = sorted({one.message for one in watched})
        ranks = await self._read(lambda db: self._ranks(db, wanted), quick=True)
        for one in watched:
            rank = ranks.get(one.message, self._unknown)
            if rank >= one.rank and not one.reached.done():
                one.reached.set_result(None)

    def _fail(self, error: DaemonError) -> None:
        for one in self._watched:
            if not one.reached.done():
                one.reached.set_exception(_like(error))


def _like(error: DaemonError) -> DaemonError:
    """Return a like error: one instance for all would gather their tracebacks."""
    return DaemonError(error.kind, error.message, retry_after=error.retry_after)
