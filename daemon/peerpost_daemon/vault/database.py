"""The vault's database: one encrypted file, one writer, one reader.

``read`` and ``write`` take a plain function over the database connection and run it in that
connection's thread. Writes are gathered into groups (see ``writer``). Reads have a connection of
their own, so that none waits behind an fsync; the write-ahead log lets both work at once, and a
read that starts after a write has returned sees it. A quick one takes the writer's while that is idle.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault.checkpoint import Checkpoint, take_checkpoint
from peerpost_daemon.vault.connection import READER, WRITER, Connection, SqlConnection
from peerpost_daemon.vault.faults import disk_fault
from peerpost_daemon.vault.integrity import glance, require_sound
from peerpost_daemon.vault.lock import ProcessLock
from peerpost_daemon.vault.migrations import Migration, migrate
from peerpost_daemon.vault.writer import FULL_QUEUE_RETRY_AFTER, Writer, closed

MAX_CHECKED_BYTES = 32 * 1024 * 1024  # of a file that is read wholly before it is used
MAX_READING = 4096  # reads that run or wait
STORAGE_KINDS = frozenset({"storage_full", "storage_failed"})

T = TypeVar("T")
log = logging.getLogger(__name__)


class Database:
    """Read and write the open vault. Made by `open`; `close` must be awaited."""

    def __init__(self, writing: Connection, reading: Connection, stack: AsyncExitStack) -> None:
        self._writing = writing
        self._reading = reading
        self._stack = stack
        self._readers = 0
        self._closed = False
        self.is_checked = False  # wholly, when it was opened
        self._trouble: dict[str, DaemonError] = {}
        self._writer = Writer(writing)
        self._task = asyncio.create_task(self._writer.run(), name="vault-writer")

    @classmethod
    async def open(cls, path: Path, key: bytes, migrations: Sequence[Migration]) -> Database:
        """Open the database at `path`, creating it, check it and bring its schema up to date.

        A file of more than MAX_CHECKED_BYTES is only glanced at; `integrity.found_beside` checks it meanwhile.

        Raises DaemonError: storage_failed (open elsewhere, damaged, another key, newer schema)
        or storage_full. Nothing stays open then.
        """
        async with AsyncExitStack() as stack:
            stack.callback(_locked(path).release)
            writing = await Connection.open(path, key, WRITER)
            stack.push_async_callback(writing.close)
            small = await writing.call(_look)
            await writing.call(lambda connection: migrate(connection, migrations))
            reading = await Connection.open(path, key, READER)
            stack.push_async_callback(reading.close)
            database = cls(writing, reading, stack.pop_all())
            database.is_checked = small
            return database
        raise AssertionError  # the stack swallows nothing

    @property
    def trouble(self) -> DaemonError | None:
        """Return what the storage said to the newest write, or to the newest read; None when all is well."""
        return self._trouble.get("write") or self._trouble.get("read")

    @property
    def log_frames(self) -> int:
        """Return how many frames of the write-ahead log are not in the database file yet."""
        return self._writer.log_frames

    async def read(self, function: Callable[[SqlConnection], T], *, quick: bool = False) -> T:
        """Run `function` over one unchanging state of the database and return its result.

        `quick`: it looks at a few rows, new ones mostly. It runs where they are decrypted already, while nobody writes:
        each commit empties the other connection's cache.

        It must return values, not a live cursor. Raises what it raises, and DaemonError:
        queue_full, storage_failed, locked.
        """
        if self._closed:
            raise closed()
        if self._readers >= MAX_READING:
            raise DaemonError(
                "queue_full", "too many reads wait", retry_after=FULL_QUEUE_RETRY_AFTER
            )
        self._readers += 1
        connection = self._writing if quick and self._writer.is_idle else self._reading
        try:
            with self._watched("read"):
                return await connection.call(lambda sql: _snapshot(sql, function))
        finally:
            self._readers -= 1

    async def write(self, function: Callable[[SqlConnection], T], *, later: bool = False) -> T:
        """Run `function` in a transaction and return its result once that is durable.

        `later`: nobody waits for it; it may wait a moment for others to share their transaction.

        It shares the transaction with others but fails alone; it must neither begin nor end one.
        Raises what it raises, and DaemonError: queue_full, storage_full, storage_failed, locked.
        """
        with self._watched("write"):
            return await self._writer.write(function, later=later)

    @contextmanager
    def _watched(self, what: str) -> Iterator[None]:
        """Remember the storage's fault until the same works again."""
        try:
            yield
        except DaemonError as error:
            if error.kind in STORAGE_KINDS:
                self._trouble[what] = error
            raise
        self._trouble.pop(what, None)

    async def checkpoint(self) -> bool:
        """Move the whole log into the database file; return whether no reader prevented it.

        Raises DaemonError: storage_full, storage_failed, locked.
        """
        if self._closed:
            raise closed()
        return await self._writing.call(_shorten)

    async def close(self) -> None:
        """Commit what waits, shorten the log to nothing, close the files and unlock."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        async with self._stack:
            await asyncio.wait([self._task])
            await self._reading.close()  # first: a read would hold the log
            await self._shorten_log()

    async def _shorten_log(self) -> None:
        try:
            await self._writing.call(_shorten)
        except Exception as error:  # noqa: BLE001 - the log keeps everything until the next start
            log.warning("the vault's log was not shortened: %s", error)


def _look(connection: SqlConnection) -> bool:
    """Check a small database wholly, glance at a large one; return whether it was small."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    small = int(pages) * int(page_bytes) <= MAX_CHECKED_BYTES
    (require_sound if small else glance)(connection)
    return small


def _locked(path: Path) -> ProcessLock:
    """Take the vault for this process and make sure its file is nobody else's to read."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite would create it by the umask; its log and shared memory take this file's mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        lock = ProcessLock.acquire(path.with_name(f"{path.name}.lock"))
    except OSError as error:
        raise disk_fault(f"the vault at {path}", error) from error
    return lock


def _shorten(connection: SqlConnection) -> bool:
    return take_checkpoint(connection, Checkpoint.TRUNCATE)


def _snapshot(connection: SqlConnection, function: Callable[[SqlConnection], T]) -> T:
    connection.execute("BEGIN")
    try:
        return function(connection)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
