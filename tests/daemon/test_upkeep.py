"""Upkeep: what has expired goes from the disk as long as the vault is open, with no relay and no link."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

from peerpost_daemon.bell import Bell
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.engine import Engine
from peerpost_daemon.files.drafts import Draft
from peerpost_daemon.files.folder import FileFolder
from peerpost_daemon.files.store import FileStore
from peerpost_daemon.records import events, messages
from peerpost_daemon.settings import DaemonSettings
from peerpost_daemon.upkeep import Upkeep
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from tests.daemon.methods.house import BOB, CHEAP, message_by
from tests.daemon.test_tidying import PlainVault
from tests.support.accounts import attach
from tests.support.people import NOW_MS, digest

OPS = digest("ops")
SECRET = "xyzzysentinel"
PATIENCE_SECONDS = 15.0


def expiring(folder: FileFolder, text: str) -> Callable[[SqlConnection], int]:
    """Store a message with a file that expires at NOW_MS + 1."""
    draft = Draft(folder, "notes.txt", None, max_bytes=2**20, random_bytes=os.urandom)
    draft.write(text.encode())
    draft.finish()

    def store(db: SqlConnection) -> int:
        cursor = messages.add(db, message_by(BOB, OPS, text, expires_at_ms=NOW_MS + 1))
        assert cursor is not None
        events.add_message(db, NOW_MS, OPS, cursor)
        attach(db, cursor, [draft])
        return cursor

    return store


class Folder(FileFolder):
    """Say when a copy has been removed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.removed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def remove(self, name: str) -> None:
        super().remove(name)
        self._loop.call_soon_threadsafe(self.removed.set)


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


class Vault(PlainVault):
    """Say when its log has been cut."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.cut = asyncio.Event()

    async def checkpoint(self) -> bool:
        done = await super().checkpoint()
        self.cut.set()
        return done


async def test_what_has_expired_is_in_no_file_of_the_data_folder(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "files")
    vault = Vault(tmp_path / "vault.db")
    await vault.write(expiring(folder, SECRET))
    (name,) = folder.names()
    sealed = folder.read(name, 0, 2**20)
    assert [sealed in data for data in contents(tmp_path)].count(True) == 1
    assert vault.holds(SECRET.encode())
    upkeep = Upkeep(cast("Database", vault), Bell(), folder, now_ms=lambda: NOW_MS + 1)
    upkeep.start()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await vault.cut.wait()
        await folder.removed.wait()
    await upkeep.close()
    left = contents(tmp_path)
    assert not any(SECRET[1:].encode() in data or sealed in data for data in left)
    assert upkeep.faults == 0
    vault.db.close()


async def test_a_daemon_without_account_and_relay_tidies_its_vault(tmp_path: Path) -> None:
    clock = [NOW_MS]
    settings = DaemonSettings(data=tmp_path / "data", socket=tmp_path / "s", relay=None)
    folder = Folder(settings.files)
    files = FileStore(folder, 2**20, 2**20)
    daemon = Daemon(settings, _no_engine, Bell(), files=files, clock=lambda: clock[0], cost=CHEAP)
    await daemon.unlock("correct horse", create=True)
    await daemon.write(expiring(folder, SECRET))
    await daemon.lock()
    clock[0] += 1
    await daemon.unlock("correct horse")
    assert daemon.running is None
    async with asyncio.timeout(PATIENCE_SECONDS):
        await folder.removed.wait()
        rings = daemon.bell.rings
        while await daemon.read(messages.count):
            rings = await daemon.bell.wait(rings)
    assert list(folder.names()) == []
    await daemon.close()


def _no_engine(*_: object) -> Engine:
    raise AssertionError("there is no account")
