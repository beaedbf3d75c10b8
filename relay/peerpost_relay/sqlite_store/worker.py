"""One SQLite connection and the thread it lives in, through aiosqlite.

aiosqlite's public calls run one statement each, with a trip between threads for every one of
them. A transaction here is a function of many statements that must run without anything of
another task in between. So whole functions are sent into aiosqlite's thread by its
`Connection._execute(function, *args)`, which is what all its public calls are made of. This is
the one place that knows; tests/relay/test_sqlite_store.py fails when the library changes it.
"""

import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast

import aiosqlite

from peerpost_relay.errors import StoreError, StoreFullError

BUSY_MS = 5_000  # how long to wait for the commands' or another connection's write lock
RETRY_SECONDS = 0.005  # between two tries where SQLite does not wait by itself
STATEMENTS_MAX = 256  # prepared statements kept per connection
CACHE_KIB = 16 * 1024

P = ParamSpec("P")
T = TypeVar("T")
Execute = Callable[..., Awaitable[object]]


class Worker:
    """Run functions of a raw connection, one after the other, in its thread."""

    def __init__(self, path: Path, log_bytes_kept: int) -> None:
        self._path = path
        self._log_bytes_kept = log_bytes_kept
        self._raw: sqlite3.Connection | None = None
        self._connection = aiosqlite.Connection(self._connect, iter_chunk_size=64)

    async def open(self) -> None:
        """Open the file; raise StoreError."""
        try:
            await self._connection
        except sqlite3.Error as error:
            raise translated(error) from error
        await self.run(_set_up, self._log_bytes_kept)

    async def run(
        self,
        function: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function(connection, …)` in the thread; raise StoreError for SQLite's errors."""
        if self._raw is None:
            raise StoreError("the store is closed")
        try:
            # Private, and without types: see the module.
            execute: Execute = self._connection._execute  # noqa: SLF001
            result = await execute(function, self._raw, *args, **kwargs)
        except sqlite3.Error as error:
            raise translated(error) from error
        return cast("T", result)

    async def close(self) -> None:
        """Close the connection and end its thread."""
        self._raw = None
        await self._connection.close()

    def _connect(self) -> sqlite3.Connection:
        """Connect and no more: aiosqlite leaves its thread behind when this fails."""
        self._raw = sqlite3.connect(
            self._path, isolation_level=None, cached_statements=STATEMENTS_MAX
        )
        return self._raw


def _set_up(db: sqlite3.Connection, log_bytes_kept: int) -> None:
    db.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    _use_log(db)
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA wal_autocheckpoint=0")
    db.execute(f"PRAGMA journal_size_limit={log_bytes_kept}")
    db.execute("PRAGMA foreign_keys=ON")
    db.execute("PRAGMA secure_delete=ON")  # what has expired is overwritten
    db.execute(f"PRAGMA cache_size=-{CACHE_KIB}")


def _use_log(db: sqlite3.Connection) -> None:
    """Switch to WAL; wait for whoever opens a new file at the same moment.

    SQLite answers SQLITE_BUSY at once here, whatever `busy_timeout` says: two that both hold the
    shared lock and want the exclusive one would wait for each other.
    """
    until = time.monotonic() + BUSY_MS / 1_000
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(RETRY_SECONDS)
        else:
            return


def translated(error: sqlite3.Error) -> StoreError:
    """Return our error for SQLite's."""
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    if name == "SQLITE_FULL":
        return StoreFullError("the disk is full")
    return StoreError(f"the database failed: {name}")
