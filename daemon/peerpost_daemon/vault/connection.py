"""One SQLCipher connection and the thread it lives in.

This is the one place that reaches below aiosqlite's public surface. Its methods run one statement
each, and every one costs two thread switches; a transaction of a hundred statements would cost two
hundred, with other coroutines' statements in between. ``Connection._execute(function, *args)`` is
what all its public methods are made of: it runs any function in the connection's thread. We call
exactly that, here, and ``tests/daemon/vault/test_connection.py`` fails when it changes under us.

Two habits keep statements compiled, which costs more than most of them do: the cache holds all that there are, and
what runs with every message bounds its rows by `fetchmany`. SQLite compiles a statement anew for each value that is
bound to its LIMIT.

aiosqlite logs what it executes at DEBUG level, with ``repr``. Hence closures: they show nothing of
the key or of what a caller stores.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import aiosqlite
from sqlcipher3 import dbapi2

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault.faults import translated

if TYPE_CHECKING:
    import sqlite3

# SQLCipher's connection has the standard one's methods, and no stubs. Its exceptions are its own.
SqlConnection: TypeAlias = "sqlite3.Connection"
T = TypeVar("T")

KEY_BYTES = 32
BUSY_SECONDS = 5.0  # only our own second connection can be in the way
JOURNAL_SIZE_LIMIT = 16 * 1024 * 1024  # bytes the write-ahead log keeps on disk once checkpointed
# Full, this cache throws out the newest first: what a message needs would be compiled each time. There are about 400
# statements, some of them in several lengths.
COMPILED_STATEMENTS = 1024
_ROWS_A_FETCH = 64  # of aiosqlite's own cursors, which we do not use


@dataclass(frozen=True)
class Role:
    """Say what a connection is for: its page cache in KiB and whether it may write."""

    cache_kib: int
    writes: bool


WRITER = Role(cache_kib=8 * 1024, writes=True)
READER = Role(cache_kib=2 * 1024, writes=False)


class Connection:
    """Run functions over one encrypted database, one after the other, in a thread of its own."""

    def __init__(self, proxy: aiosqlite.Connection, opened: list[SqlConnection]) -> None:
        self._proxy = proxy
        self._opened = opened
        # SLF001: see the head of this file.
        self._in_thread: Callable[[Callable[[], Any]], Awaitable[Any]] = proxy._execute  # noqa: SLF001

    @classmethod
    async def open(cls, path: Path, key: bytes, role: Role) -> Connection:
        """Open or create the database at `path` with the raw 32-byte `key`.

        Raises DaemonError (storage_full, storage_failed). Nothing stays open then, nor when the
        caller is cancelled.
        """
        opening = asyncio.create_task(cls._open(path, key, role))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            with suppress(DaemonError):
                await (await opening).close()
            raise

    @classmethod
    async def _open(cls, path: Path, key: bytes, role: Role) -> Connection:
        opened: list[SqlConnection] = []

        def connector() -> SqlConnection:
            opened.append(_unprepared(path))
            return opened[0]

        proxy = aiosqlite.Connection(connector, _ROWS_A_FETCH)
        try:
            await proxy
        except dbapi2.Error as error:
            raise translated(error) from error
        connection = cls(proxy, opened)
        try:
            # Not in the connector: when that fails aiosqlite does not wait for its thread to end.
            await connection.call(lambda sql: prepare(sql, key, role))
        except BaseException:
            await connection.close()
            raise
        return connection

    async def call(self, function: Callable[[SqlConnection], T]) -> T:
        """Run `function` in the connection's thread; return or raise what it does.

        Raises DaemonError (storage_full, storage_failed) in place of the engine's own faults.
        """

        def job() -> T:
            return function(self._opened[0])

        try:
            result: T = await self._in_thread(job)
        except dbapi2.Error as error:
            failure = translated(error)
            if failure is error:
                raise
            raise failure from error
        return result

    def interrupt(self) -> None:
        """Let the statement that runs now fail; the only call that is made from another thread."""
        self._opened[0].interrupt()

    async def close(self) -> None:
        """Close the database and end its thread, also when the caller is cancelled meanwhile."""
        try:
            await asyncio.shield(self._proxy.close())
        except dbapi2.Error as error:
            raise translated(error) from error


def connect(path: Path, key: bytes, role: Role) -> SqlConnection:
    """Open SQLCipher at `path` and set it up for `role`, in the calling thread."""
    connection = _unprepared(path)
    prepare(connection, key, role)
    return connection


def _unprepared(path: Path) -> SqlConnection:
    connection: SqlConnection = dbapi2.connect(
        str(path),
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=COMPILED_STATEMENTS,
    )
    return connection


def prepare(connection: SqlConnection, key: bytes, role: Role) -> None:
    """Give a fresh connection its key and settings. Raises the engine's errors as they are."""
    if len(key) != KEY_BYTES:
        raise ValueError("a database key has 32 bytes")
    # SQLCipher would write its own lines to standard error; its faults reach us as exceptions.
    connection.execute("PRAGMA cipher_log_level = NONE")
    # A raw key: no derivation here, the key file has done it.
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    for pragma in _pragmas(role):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _pragmas(role: Role) -> tuple[str, ...]:
    return (
        "temp_store = MEMORY",  # sorting and sub-journals must not reach /tmp in plain text
        f"cache_size = -{role.cache_kib}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "secure_delete = ON",
        "foreign_keys = ON",
        f"journal_size_limit = {JOURNAL_SIZE_LIMIT}",
        "wal_autocheckpoint = 0",  # the writer decides when, off the path of those who wait
        f"query_only = {'OFF' if role.writes else 'ON'}",
    )
