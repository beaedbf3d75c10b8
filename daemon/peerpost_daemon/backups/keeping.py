"""Make backups of a daemon's account, and the account of backups: what `account.backup` and its kin do.

A backup for the relay is written beside the vault first and sent from there, so that a link that breaks costs nothing
but the parts under way. The file is sealed already.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from peerpost_daemon.backups import locking, making, restoring
from peerpost_daemon.backups.errors import named
from peerpost_daemon.backups.relay_copy import RelayCopy
from peerpost_daemon.backups.restoring import Restored, Wanted
from peerpost_daemon.backups.sealed_file import Write, pieces, reading, writing
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import backup
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.backup import (
    MAX_PREAMBLE,
    BackupLock,
    BackupRecord,
    Opener,
    Preamble,
    Sealer,
    encode_preamble,
    make_header,
    parse_preamble,
)
from peerpost_protocol.backup.lock import KEY_BYTES
from peerpost_protocol.backup.preamble import ID_BYTES, STREAM_BYTES

SPOOL = "backup.spool"
MARK_BYTES = 16


class Made(Struct, frozen=True):
    """Be a backup that was made. `size` in bytes."""

    version: int
    size: int
    messages: int
    made_at_ms: int
    header: bytes
    key: bytes

    def __repr__(self) -> str:
        return f"<Made {self.version}>"


class Keeping:
    """Make and restore the backups of one daemon; one at a time."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._turn = asyncio.Lock()

    async def to_file(self, path: Path, passphrase: str, *, with_messages: bool) -> Made:
        """Write a backup to a file. Raises DaemonError."""
        async with self._turn:
            return await self._make(path, passphrase, with_messages=with_messages)

    async def to_relay(self, passphrase: str, *, with_messages: bool) -> Made:
        """Store a backup with the relay. Raises DaemonError."""
        async with self._turn:
            copy, spool = self._copy(), self._spool()
            known = (await copy.show()).version
            await self._daemon.write(lambda db: backup.known(db, known))
            try:
                made = await self._make(spool, passphrase, with_messages=with_messages)
                await copy.put(made.version, spool)
            finally:
                spool.unlink(missing_ok=True)
            await self._daemon.write(
                lambda db: backup.stored(db, made.version, made.header, made.key, made.made_at_ms)
            )
            return made

    async def change_passphrase(self, passphrase: str) -> int:
        """Lock the relay's backup anew; return its version. Raises DaemonError no_backup, if it is not ours."""
        async with self._turn:
            known = await self._daemon.read(backup.state)
            if known.key is None or known.header is None:
                raise DaemonError("no_backup", "This daemon has stored no backup: make one.")
            lock = await self._lock(known.key, passphrase, known.header)
            await self._copy().put_lock(known.stored, lock)
            return known.stored

    async def destroy(self) -> int:
        """Destroy the relay's backup; return the version that it was. Raises DaemonError no_backup."""
        async with self._turn:
            copy, relay_key = self._copy(), self._daemon.account.relay_key
            shown = await copy.show()
            if not shown.version:
                raise DaemonError("no_backup", "The relay keeps no backup of this identity.")
            if relay_key is None:
                relay_key = await self._daemon.read(_relay_key)
            await copy.destroy(shown.version, relay_key)
            await self._daemon.write(backup.destroyed)
            return shown.version

    async def from_file(self, path: Path, passphrase: str, relay: str | None) -> Restored:
        """Make the vault's account of a file. Raises DaemonError account_exists, bad_backup, wrong_passphrase."""
        async with self._turn:
            return await self._restore(path, passphrase, relay, None)

    async def from_relay(self, passphrase: str) -> Restored:
        """Make the vault's account of the relay's backup, in place of the fresh one that asked for it."""
        async with self._turn:
            await self._daemon.read(restoring.require_empty)
            spool = self._spool()
            try:
                version = await self._copy().fetch(spool)
                return await self._restore(spool, passphrase, None, version)
            finally:
                spool.unlink(missing_ok=True)

    def _copy(self) -> RelayCopy:
        daemon = self._daemon
        return RelayCopy(daemon.engine.relay, daemon.account, daemon.clock)

    def _spool(self) -> Path:
        spool = self._daemon.settings.data / SPOOL
        with suppress(OSError):  # of a process that was killed
            spool.unlink()
        return spool

    async def _lock(self, key: bytes, passphrase: str, header: bytes) -> BackupLock:
        return await locking.lock(
            key, passphrase, header, self._daemon.backup_cost, self._daemon.random_bytes
        )

    async def _make(self, path: Path, passphrase: str, *, with_messages: bool) -> Made:
        daemon = self._daemon
        key = daemon.random_bytes(KEY_BYTES)
        header = make_header(daemon.random_bytes(ID_BYTES), daemon.random_bytes(STREAM_BYTES))
        preamble = encode_preamble(await self._lock(key, passphrase, header), header)
        version, now_ms = await daemon.write(backup.next_version), daemon.clock()
        size = 0

        with writing(path) as put, named():

            def write(data: bytes) -> None:
                nonlocal size
                size += len(data)
                put(data)

            write(preamble)
            count = await self._seal(
                Sealer(key, header), write, version, now_ms, with_messages=with_messages
            )
        return Made(version, size, count, now_ms, header, key)

    async def _seal(
        self, sealer: Sealer, write: Write, version: int, now_ms: int, *, with_messages: bool
    ) -> int:
        """Write the bulk; return how many messages are in it."""
        daemon, count, after = self._daemon, 0, 0

        def state(db: SqlConnection) -> tuple[list[BackupRecord], int]:
            relay = daemon.settings.relay
            records = making.state_of(db, version, now_ms, relay, with_messages=with_messages)
            return records, making.newest_message(db) if with_messages else 0

        records, until = await daemon.read(state)
        await asyncio.to_thread(_add, sealer, write, records)
        while after < until:
            start = after
            page, after = await daemon.read(lambda db: making.messages_of(db, start, until))  # noqa: B023
            await asyncio.to_thread(_add, sealer, write, page)
            count += len(page)
        write(sealer.finish())
        return count

    async def _restore(
        self, path: Path, passphrase: str, relay: str | None, version: int | None
    ) -> Restored:
        daemon = self._daemon
        with reading(path) as file:
            with named():
                preamble = parse_preamble(file.read(MAX_PREAMBLE))
            key = await locking.unlock(preamble.lock, passphrase, preamble.header)
            mark = daemon.random_bytes(MARK_BYTES)
            wanted = Wanted(mark, daemon.clock(), relay, version)
            done: list[Restored] = []

            def store(db: SqlConnection) -> bool:
                with named():
                    done.append(restoring.restore(db, _records(file, preamble, key), wanted))
                return True

            await daemon.register(store)
            await daemon.apply(daemon.settings)  # what the settings of this machine say holds here
            await daemon.rotation.resume()
            return done[-1]


def _add(sealer: Sealer, write: Write, records: list[BackupRecord]) -> None:
    for record in records:
        write(sealer.add(record))


def _records(file: BinaryIO, preamble: Preamble, key: bytes) -> Iterator[BackupRecord]:
    """Return the records of an open backup; the last ones only when it has proven whole."""
    opener = Opener(key, preamble.header)
    file.seek(preamble.size)
    for piece in pieces(file):
        yield from opener.feed(piece)
    yield from opener.finish()


def _relay_key(db: SqlConnection) -> bytes:
    (key,) = db.execute("SELECT relay_key FROM account").fetchone()
    return bytes(key)
