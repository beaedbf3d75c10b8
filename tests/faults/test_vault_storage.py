"""The vault on a disk that is full, read-only or gone, and a daemon that is killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault import keyfile
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_daemon.vault.migrations import Migration

KEY = bytes(range(32))
STEPS = (Migration(1, "notes", "CREATE TABLE note (id INTEGER PRIMARY KEY, text BLOB);"),)

WRITE_UNTIL_KILLED = """
import asyncio, pathlib, sys
from peerpost_daemon.vault.database import Database
from peerpost_daemon.vault.migrations import Migration

async def main():
    steps = (Migration(1, "notes", "CREATE TABLE note (id INTEGER PRIMARY KEY, text BLOB);"),)
    database = await Database.open(pathlib.Path(sys.argv[1]), bytes(range(32)), steps)
    insert = lambda c: c.execute("INSERT INTO note (text) VALUES (randomblob(500))").lastrowid
    while True:
        for number in await asyncio.gather(*(database.write(insert) for _ in range(8))):
            print(number, flush=True)

asyncio.run(main())
"""


DERIVE_WITH_LITTLE_MEMORY = """
import resource, sys
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault.keyfile import Cost, seal

resource.setrlimit(resource.RLIMIT_AS, (600 * 2**20, 600 * 2**20))
try:
    seal(bytes(32), b"x", Cost(1, 2**30), salt=bytes(16), nonce=bytes(24))
except DaemonError as error:
    print(error.kind, error)
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a private 2 MB file system; unmount it afterwards."""
    disk = tmp_path / "disk"
    disk.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Take all the space that is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return ballast
    raise AssertionError("the disk has no end")


def make_read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


def write_until_killed(path: Path) -> list[int]:
    """Return the numbers of the notes a writer had answers for before it was killed."""
    command = [sys.executable, "-c", WRITE_UNTIL_KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        answered = [int(writer.stdout.readline()) for _ in range(50)]
        writer.send_signal(signal.SIGKILL)
        return answered + [int(n) for n in writer.stdout.read().split(b"\n")[:-1]]


def insert(size: int, connection: SqlConnection) -> int | None:
    statement = "INSERT INTO note (text) VALUES (randomblob(?))"
    return connection.execute(statement, (size,)).lastrowid


def count(connection: SqlConnection) -> int:
    return int(connection.execute("SELECT count(*) FROM note").fetchone()[0])


async def test_on_a_full_disk_a_whole_group_fails_and_the_vault_recovers(small_disk: Path) -> None:
    database = await Database.open(small_disk / "vault.db", KEY, STEPS)
    await database.write(lambda c: insert(1000, c))
    ballast = fill(small_disk)
    writes = [database.write(lambda c: insert(50_000, c)) for _ in range(8)]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert {getattr(outcome, "kind", None) for outcome in outcomes} == {"storage_full"}
    assert len({id(outcome) for outcome in outcomes}) == 8
    assert await database.read(count) == 1
    ballast.unlink()
    assert await database.write(lambda c: insert(50_000, c)) == 2
    await database.close()


async def test_a_vault_closed_on_a_full_disk_loses_nothing(small_disk: Path) -> None:
    database = await Database.open(small_disk / "vault.db", KEY, STEPS)
    for _ in range(5):
        await database.write(lambda c: insert(50_000, c))
    ballast = fill(small_disk)
    await database.close()
    ballast.unlink()
    database = await Database.open(small_disk / "vault.db", KEY, STEPS)
    assert await database.read(count) == 5
    await database.close()


async def test_one_function_too_large_for_the_disk_does_not_end_the_vault(
    small_disk: Path,
) -> None:
    database = await Database.open(small_disk / "vault.db", KEY, STEPS)
    await database.write(lambda c: c.execute("PRAGMA cache_size = 10") and None)
    with pytest.raises(DaemonError) as caught:
        await database.write(lambda c: insert(5_000_000, c))
    assert caught.value.kind == "storage_full"
    assert await database.write(lambda c: insert(1000, c)) == 1
    await database.close()


async def test_no_space_for_a_new_vault_says_so_and_leaves_none(small_disk: Path) -> None:
    ballast = fill(small_disk)
    cheap = keyfile.Cost(opslimit=1, memlimit=8192)
    with pytest.raises(DaemonError) as caught:
        await keyfile.create_file(small_disk / "vault.key", b"x", cheap)
    assert caught.value.kind == "storage_full"
    with pytest.raises(DaemonError) as caught:
        await Database.open(small_disk / "vault.db", KEY, STEPS)
    assert caught.value.kind == "storage_full"
    ballast.unlink()
    await keyfile.create_file(small_disk / "vault.key", b"x", cheap)
    await (await Database.open(small_disk / "vault.db", KEY, STEPS)).close()


async def test_a_disk_that_turned_read_only_says_so(small_disk: Path) -> None:
    await (await Database.open(small_disk / "vault.db", KEY, STEPS)).close()
    make_read_only(small_disk)
    with pytest.raises(DaemonError) as caught:
        await Database.open(small_disk / "vault.db", KEY, STEPS)
    assert caught.value.kind == "storage_failed"


def test_too_little_memory_is_not_taken_for_a_wrong_passphrase() -> None:
    command = [sys.executable, "-c", DERIVE_WITH_LITTLE_MEMORY]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert output.startswith("storage_failed")
    assert "memlimit asks for 1024 MiB" in output


async def test_what_was_answered_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    answered = write_until_killed(path)
    database = await Database.open(path, KEY, STEPS)
    assert await database.read(count) >= max(answered)
    assert await database.write(lambda c: insert(10, c)) not in answered
    await database.close()
