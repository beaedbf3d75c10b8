"""The store itself: a writing, two reading and a checkpointing connection on one file.

Groups are committed by one connection, queries run on another and catch-up on a third, so that
none of them waits behind another. The log (WAL) is moved into the file by a fourth, passively: it waits
for nobody and nobody waits for it. It cannot finish while commits go on, and only a finished one
lets the log begin anew, so what was committed meanwhile the writing connection moves between two
groups: little after such a checkpoint, or whatever there is once the log is over `log_bytes_max`.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from peerpost_relay.errors import RefusalError, SetupError, StoreError, fault
from peerpost_relay.replays import Replays
from peerpost_relay.settings import RelaySettings
from peerpost_relay.sqlite_store.group import GroupTransaction
from peerpost_relay.sqlite_store.log import Log
from peerpost_relay.sqlite_store.schema import migrate
from peerpost_relay.sqlite_store.transaction import SqliteTransaction
from peerpost_relay.sqlite_store.worker import Worker

T = TypeVar("T")

PRIVATE_FILE = 0o600
MISTAKES = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class _SpoiledError(Exception):
    """Say that an operation was refused after it had written something."""


class SqliteStore:
    """Keep the relay's data in one SQLite file."""

    def __init__(self, path: Path, settings: RelaySettings) -> None:
        self._path = path
        self._log = Log(path)
        self._settings = settings
        self._writer = Worker(path, settings.log_bytes_max)
        self._reader = Worker(path, settings.log_bytes_max)
        self._aside = Worker(path, settings.log_bytes_max)
        self._checkpointer = Worker(path, settings.log_bytes_max)
        self._checkpoint: asyncio.Task[None] | None = None
        self._nearly_moved = False  # the writing connection is to finish what was moved aside
        self._replays = Replays()  # the writer's
        self._epoch = b""

    @classmethod
    async def open(cls, path: Path, settings: RelaySettings | None = None) -> "SqliteStore":
        """Open or make the file; raise StoreError, SetupError when it is damaged or too new."""
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, PRIVATE_FILE))
        except OSError as error:
            raise SetupError(
                f"{path} cannot be opened ({error.strerror}): give it to the relay's user"
            ) from error
        store = cls(path, settings or RelaySettings())
        try:
            await store._open()
        except BaseException:
            await store.close()
            raise
        return store

    @property
    def epoch(self) -> bytes:
        """Return the 16 bytes that name this store."""
        return self._epoch

    async def write(
        self, operations: Sequence[Callable[[SqliteTransaction], T]]
    ) -> list[T | RefusalError]:
        """Commit a group durably; return each result or refusal, in their order."""
        results = await self._writer.run(_commit, operations, self._replays)
        await self._bound_the_log()
        return results

    async def read(self, query: Callable[[SqliteTransaction], T]) -> T:
        """Run a query on one snapshot."""
        return await self._reader.run(_query, query)

    async def read_aside(self, query: Callable[[SqliteTransaction], T]) -> T:
        """Run a query on one snapshot, on another connection and thread than `read`."""
        return await self._aside.run(_query, query)

    async def shorten_log(self) -> bool:
        """Cut the log to nothing, with the pages as they were before something was removed."""
        return await self._writer.run(_cut_log)

    async def close(self) -> None:
        """Close for good; the last connection to close empties the log."""
        if self._checkpoint is not None:
            await asyncio.wait([self._checkpoint])
        for worker in (self._checkpointer, self._aside, self._reader, self._writer):
            await worker.close()
        self._log.close()

    async def _open(self) -> None:
        try:
            await self._writer.open()
        except StoreError as error:
            if getattr(error.__cause__, "sqlite_errorcode", None) in DAMAGE:
                raise _damaged(str(error.__cause__)) from error
            raise
        await self._writer.run(_check)
        self._epoch = await self._writer.run(migrate)
        for worker in (self._reader, self._aside):
            await worker.open()
            await worker.run(_forbid_writing)
        await self._checkpointer.open()
        self._log.open(await self._writer.run(_page_bytes))

    async def _bound_the_log(self) -> None:
        used = self._log.used()
        if self._checkpoint is not None:
            return
        if self._nearly_moved or used.bytes > self._settings.log_bytes_max:
            self._nearly_moved = False
            with contextlib.suppress(StoreError):  # the group before it is committed all the same
                await self._writer.run(_move_log)
        elif used.unmoved_bytes > self._settings.checkpoint_bytes:
            self._checkpoint = asyncio.create_task(self._move_log_aside())
            self._checkpoint.add_done_callback(self._forget_checkpoint)

    async def _move_log_aside(self) -> None:
        with contextlib.suppress(StoreError):  # the next commit tries again, and says what is wrong
            await self._checkpointer.run(_move_log)
            self._nearly_moved = True

    def _forget_checkpoint(self, _: "asyncio.Task[None]") -> None:
        self._checkpoint = None


def _commit(
    db: sqlite3.Connection, operations: Sequence[Callable[[SqliteTransaction], T]], replays: Replays
) -> list[T | RefusalError]:
    """Commit a group, at first as if every operation were refused before it writes, if at all.

    Nearly all are: then savepoints would be a fifth of the work for nothing. If one is not, what it
    wrote must go, and nothing but a savepoint undoes a part: the group is begun again, with them.
    """
    try:
        return _carried_out(db, operations, GroupTransaction(db, replays), _isolated)
    except _SpoiledError:
        return _carried_out(db, operations, SqliteTransaction(db, replays), _undoable)


def _carried_out(
    db: sqlite3.Connection,
    operations: Sequence[Callable[[SqliteTransaction], T]],
    transaction: SqliteTransaction,
    one: Callable[..., T | RefusalError],
) -> list[T | RefusalError]:
    db.execute("BEGIN IMMEDIATE")
    try:
        results = [one(db, transaction, operation) for operation in operations]
        if isinstance(transaction, GroupTransaction):
            transaction.finish()
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk may have rolled back already
            db.execute("ROLLBACK")
        raise
    return results


def _isolated(
    db: sqlite3.Connection,
    transaction: SqliteTransaction,
    operation: Callable[[SqliteTransaction], T],
) -> T | RefusalError:
    """Run an operation; raise _SpoiledError when it fails and has written."""
    before = db.total_changes
    try:
        return operation(transaction)
    except Exception as error:
        if _is_fatal(error):
            raise
        if db.total_changes != before:
            raise _SpoiledError from error
        return _refusal(error)


def _undoable(
    db: sqlite3.Connection,
    transaction: SqliteTransaction,
    operation: Callable[[SqliteTransaction], T],
) -> T | RefusalError:
    """Run an operation in a savepoint, and undo it when it fails."""
    db.execute("SAVEPOINT operation")
    try:
        result = operation(transaction)
    except Exception as error:
        if _is_fatal(error):
            raise
        db.execute("ROLLBACK TO operation")
        db.execute("RELEASE operation")
        return _refusal(error)
    db.execute("RELEASE operation")
    return result


def _is_fatal(error: Exception) -> bool:
    """Tell whether the disk or the file failed: nothing of the group can be kept then."""
    return isinstance(error, sqlite3.Error) and not isinstance(error, MISTAKES)


def _refusal(error: Exception) -> RefusalError:
    """Return a refusal; a mistake of ours concerns its operation alone."""
    return error if isinstance(error, RefusalError) else fault(error)


def _query(db: sqlite3.Connection, query: Callable[[SqliteTransaction], T]) -> T:
    db.execute("BEGIN")
    try:
        return query(SqliteTransaction(db))
    finally:
        if db.in_transaction:
            db.execute("COMMIT")


def _check(db: sqlite3.Connection) -> None:
    """Refuse a file whose pages or trees are damaged, before anything is written to it."""
    try:
        (answer,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) not in DAMAGE:
            raise
        answer = str(error)
    if answer != "ok":
        raise _damaged(str(answer))


def _damaged(answer: str) -> SetupError:
    found = " ".join(answer.split())
    return SetupError(
        f"the database is damaged ({found}): copy the data folder away and restore a backup"
    )


def _page_bytes(db: sqlite3.Connection) -> int:
    (size,) = db.execute("PRAGMA page_size").fetchone()
    return int(size)


def _forbid_writing(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA query_only=ON")


def _cut_log(db: sqlite3.Connection) -> bool:
    """Move the log into the file and cut it; commits wait for it, and it for no reader."""
    (patience_ms,) = db.execute("PRAGMA busy_timeout").fetchone()
    db.execute("PRAGMA busy_timeout=0")
    try:
        busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        db.execute(f"PRAGMA busy_timeout={patience_ms}")
    return not busy


def _move_log(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
