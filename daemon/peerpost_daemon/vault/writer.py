"""The only writer of a database: everything that waits goes into one transaction.

A durable commit costs one fsync, whatever its size. While one is in flight, further writes gather;
they are the next group. Each function has a savepoint of its own, so one that fails is undone alone
and only its caller learns of it. When the commit fails nothing of the group has happened, and all
of its callers learn that.

What one turn of the event loop brings shares a commit. A write for which nobody is waiting may say
so (`later`): it joins the next group that is wanted, or makes one when `LATER_SECONDS` are over.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault.checkpoint import Checkpoint, frames, take_checkpoint
from peerpost_daemon.vault.connection import Connection, SqlConnection
from peerpost_daemon.vault.faults import translated

MAX_GROUP = 256  # functions in one transaction
MAX_WAITING = 4096  # functions waiting for the next transactions
FULL_QUEUE_RETRY_AFTER = 1.0  # seconds
LATER_SECONDS = 0.01
LOG_LOOK_GROUPS = 16  # the log's length is looked at after so many groups: it costs 40 microseconds
# 4 KiB frames in the write-ahead log: past the first we checkpoint when nobody waits, past the
# second whoever waits.
CHECKPOINT_FRAMES = 1000
CHECKPOINT_FRAMES_AT_MOST = 4000

T = TypeVar("T")
WriteFunction = Callable[[SqlConnection], Any]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class Done:
    """What a function returned."""

    value: Any


@dataclass(frozen=True, slots=True, repr=False)
class Failed:
    """What a function raised; it has been undone."""

    error: Exception


Outcome = Done | Failed


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Waiting:
    """A function and the future of the one who waits for it."""

    function: WriteFunction
    future: asyncio.Future[Any]

    def resolve(self, outcome: Outcome) -> None:
        """Tell the caller, unless it has gone."""
        if self.future.done():
            return
        if isinstance(outcome, Failed):
            self.future.set_exception(outcome.error)
        else:
            self.future.set_result(outcome.value)


class Writer:
    """Gather write functions and commit them in groups; `run` is its one task."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: deque[Waiting] = deque()
        self._arrived = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._groups = 0
        self._working = False
        self._closing = False
        self.log_frames = 0  # of the write-ahead log, after the newest commit

    async def write(self, function: Callable[[SqlConnection], T], *, later: bool = False) -> T:
        """Run `function` in the next transaction; return its result once that is durable.

        Raises what `function` raises, and DaemonError: queue_full, storage_full, storage_failed,
        locked (the vault is closed). A caller that is cancelled after its group has begun does
        not undo it.
        """
        if self._closing:
            raise closed()
        if len(self._waiting) >= MAX_WAITING:
            raise DaemonError(
                "queue_full",
                "too many writes wait for the vault's disk",
                retry_after=FULL_QUEUE_RETRY_AFTER,
            )
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(function, future))
        if not later:
            self._arrived.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LATER_SECONDS, self._arrived.set)
        return await future

    @property
    def is_idle(self) -> bool:
        """Say whether nothing is being written, nor is about to be."""
        return not (self._working or self._arrived.is_set() or self._closing)

    def close(self) -> None:
        """Take no more; `run` ends when what waits is committed."""
        self._closing = True
        self._arrived.set()

    async def run(self) -> None:
        """Commit group after group until closed."""
        try:
            while self._waiting or not self._closing:
                await self._arrived.wait()
                await asyncio.sleep(0)  # let what else this turn brings come along
                self._arrived.clear()
                self._working = True
                await self._commit_all()
                self._working = False
        finally:
            self._forget_timer()
            self._closing = True
            _fail(self._waiting, closed)

    async def _commit_all(self) -> None:
        wanted = len(self._waiting)
        while wanted > 0:
            self._forget_timer()  # what waits for it goes now
            wanted -= min(wanted, MAX_GROUP)
            group = self._next_group()
            try:
                await self._commit(group)
            finally:
                _fail(group, closed)  # only when we are cancelled: else all are resolved
            await self._checkpoint_when_due()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _next_group(self) -> list[Waiting]:
        size = min(len(self._waiting), MAX_GROUP)
        taken = (self._waiting.popleft() for _ in range(size))
        return [entry for entry in taken if not entry.future.done()]

    async def _commit(self, group: Sequence[Waiting]) -> None:
        """Commit `group` and resolve it; look at the log now and then."""
        functions = [entry.function for entry in group]
        self._groups += 1
        look = self._groups % LOG_LOOK_GROUPS == 1
        try:
            outcomes, in_log = await self._connection.call(
                lambda connection: (
                    commit_group(connection, functions),
                    frames(connection) if look else self.log_frames,
                )
            )
        except Exception as error:  # noqa: BLE001 - it belongs to those who wait, not to this task
            _fail(group, partial(_copy, error))
            return
        self.log_frames = in_log
        for entry, outcome in zip(group, outcomes, strict=True):
            entry.resolve(outcome)

    async def _checkpoint_when_due(self) -> None:
        if self.log_frames < (CHECKPOINT_FRAMES_AT_MOST if self._waiting else CHECKPOINT_FRAMES):
            return
        try:
            await self._connection.call(lambda c: take_checkpoint(c, Checkpoint.PASSIVE))
            self.log_frames = 0
        except Exception as error:  # noqa: BLE001 - the log keeps everything: later is good enough
            log.warning("checkpoint put off: %s", error)


def commit_group(connection: SqlConnection, functions: Sequence[WriteFunction]) -> list[Outcome]:
    """Run `functions` in one transaction and make it durable; return an outcome for each.

    Raises the engine's error when the transaction as a whole failed: then none has happened.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        outcomes = [_attempt(connection, function) for function in functions]
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return outcomes


def _attempt(connection: SqlConnection, function: WriteFunction) -> Outcome:
    connection.execute("SAVEPOINT attempt")
    outcome: Outcome
    try:
        outcome = Done(function(connection))
    except Exception as error:
        # On a full disk the engine may have undone the whole transaction: then all have failed.
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO attempt")
        outcome = Failed(translated(error))
    if not connection.in_transaction:
        raise RuntimeError("a write function must not end the transaction it runs in")
    connection.execute("RELEASE attempt")
    return outcome


def closed() -> DaemonError:
    """Return the error of those who come, or still wait, when the vault closes."""
    return DaemonError("locked", "the vault is closed")


def _fail(entries: Sequence[Waiting] | deque[Waiting], error: Callable[[], Exception]) -> None:
    for entry in entries:
        if not entry.future.done():
            entry.future.set_exception(error())


def _copy(error: Exception) -> Exception:
    """Return a like error for another caller: one instance would gather all their tracebacks."""
    if not isinstance(error, DaemonError):
        return error
    return DaemonError(error.kind, str(error), retry_after=error.retry_after)
