"""Several accounts in one `peerpostd`: what is wrong with one of them stops no other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from peerpost import AsyncClient
from peerpost.errors import LockedError, PeerpostError, RefusedError
from peerpost_daemon.vault.lock import ProcessLock
from tests.support.processes import Process, run
from tests.support.site import private_file

NAMES = ("ops", "damaged", "taken")


def configuration(folder: Path) -> str:
    """Return three further accounts."""
    tables = []
    for name in NAMES:
        secret = folder / "passphrase"
        tables.append(
            f'[[accounts]]\nname = "{name}"\ndata = "{folder / name}"\npassphrase_file = "{secret}"\n'
        )
    return "\n".join(tables)


@asynccontextmanager
async def daemon(folder: Path) -> AsyncIterator[tuple[Process, str]]:
    """Run the daemon; with its first line."""
    process = Process("peerpostd", folder / "log")
    file = private_file(folder / "peerpostd.toml", configuration(folder))
    where = ("--config", file, "--data", folder / "main", "--socket", folder / "run/s")
    try:
        yield process, await process.start(*where, "--passphrase-file", folder / "passphrase")
    finally:
        await process.kill()


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Return a folder in which all of them have been opened once."""
    private_file(tmp_path / "passphrase", "correct horse")
    async with daemon(tmp_path) as (process, first):
        assert all(f"{name}=ready" in first for name in NAMES)
        assert await process.stop() == 0
    return tmp_path


async def test_what_is_wrong_with_some_accounts_stops_no_other(folder: Path) -> None:
    (folder / "damaged/vault.db").write_bytes(b"no vault" * 4096)
    lock = ProcessLock.acquire(folder / "taken/daemon.lock")
    try:
        async with daemon(folder) as (process, first):
            assert "state=ready ops=ready damaged=locked" in first
            for name, error in (
                ("damaged", LockedError),
                ("taken", PeerpostError),
                ("nobodys", RefusedError),
            ):
                async with AsyncClient(str(folder / "run/s"), account=name) as client:
                    with pytest.raises(error):
                        await client.call("channel.list")
            async with AsyncClient(str(folder / "run/s"), account="ops") as client:
                assert (await client.call("daemon.status"))["state"] == "ready"
            assert await process.stop() == 0
    finally:
        lock.release()
    said = process.log.read_text()
    for name, what in (
        ("damaged", "stays locked"),
        ("taken", "left out"),
    ):
        assert f"the account {name} " in said
        assert what in said


async def test_the_command_names_an_account(folder: Path) -> None:
    socket = ("--socket", folder / "run/s")
    async with daemon(folder):
        locked = await run("peerpost", *socket, "--account", "ops", "lock")
        assert locked.code == 0, locked.err
        ours = await run("peerpost", "status", *socket, "--json")
        assert '"state": "ready"' in ours.out or '"state":"ready"' in ours.out
        theirs = await run("peerpost", "channel", "list", *socket, "--account", "ops")
        assert theirs.code == 4
        refused = await run("peerpost", "--account=nobodys", "channel", "list", *socket)
        assert refused.code == 6
