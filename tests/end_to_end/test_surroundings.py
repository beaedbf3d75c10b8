"""Both processes started on a full or read-only disk, on an older store, or in a folder that was not meant."""

import asyncio
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from peerpost_daemon.records.schema import MIGRATIONS as VAULT_STEPS
from peerpost_daemon.vault.migrations import migrate as migrate_vault
from peerpost_relay.data_folder import DataFolder
from peerpost_relay.sqlite_store import SqliteStore
from peerpost_relay.sqlite_store.schema import MIGRATIONS as STORE_STEPS
from peerpost_relay.sqlite_store.schema import _take
from tests.end_to_end.test_wrong_starts import FAILED, UNUSABLE, daemon, opened, relay, said
from tests.faults.disks import CannotMountError, fill, small_disk
from tests.support.processes import Process, run


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of its own."""
    try:
        with small_disk(tmp_path / "disk", 4) as disk:
            yield disk
    except CannotMountError as error:
        pytest.skip(str(error))


async def test_neither_starts_on_a_disk_that_is_nearly_full(disk: Path) -> None:
    (disk / "relay").mkdir(mode=0o700)
    (disk / "data").mkdir(mode=0o700)
    arguments = daemon(disk)
    ballast = fill(disk)
    os.truncate(ballast, ballast.stat().st_size - 512 * 1024)
    served, kept = await run("peerpost-relay", *relay(disk)), await run("peerpostd", *arguments)
    assert (served.code, kept.code) == (FAILED, UNUSABLE)
    for ended in (served, kept):
        assert "KiB left: free some space before it is started" in said(ended)
    assert not list((disk / "data").glob("vault*"))
    assert not (disk / "relay/relay.sqlite").exists()


def write_protect(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)


async def test_neither_starts_where_it_cannot_write(disk: Path) -> None:
    arguments = daemon(disk)
    await asyncio.to_thread(write_protect, disk)
    served, kept = await run("peerpost-relay", *relay(disk)), await run("peerpostd", *arguments)
    assert (served.code, kept.code) == (FAILED, UNUSABLE)
    for ended in (served, kept):
        assert "cannot be used" in said(ended)
        assert "name another one, or give it to the" in said(ended)


async def test_an_older_store_is_brought_up_to_date_and_that_is_said(tmp_path: Path) -> None:
    DataFolder(tmp_path / "relay")
    with closing(sqlite3.connect(tmp_path / "relay/relay.sqlite")) as db:
        _take(db, STORE_STEPS[0])
        db.execute("PRAGMA user_version=1")
        db.commit()
    process = Process("peerpost-relay", tmp_path / "log")
    try:
        assert (await process.start(*relay(tmp_path))).startswith("listening on ws://")
        assert await process.stop() == 0
    finally:
        await process.kill()
    said_ = f"the store is brought from schema 1 to {len(STORE_STEPS)}"
    assert said_ in process.log.read_text()


async def test_an_older_vault_is_brought_up_to_date_and_that_is_said(tmp_path: Path) -> None:
    with opened(tmp_path) as db:
        migrate_vault(db, VAULT_STEPS[:1])
    process = Process("peerpostd", tmp_path / "log")
    try:
        assert "state=ready" in await process.start(*daemon(tmp_path))
        assert await process.stop() == 0
    finally:
        await process.kill()
    said_ = f"the vault is brought from schema 1 to {len(VAULT_STEPS)}"
    assert said_ in process.log.read_text()


async def test_a_clock_that_is_said_to_be_right_is_believed(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "relay")
    await (await SqliteStore.open(folder.database)).close()
    at = time.time() - 900 * 86_400
    os.utime(folder.database, (at, at))
    process = Process("peerpost-relay", tmp_path / "log")
    try:
        trusting = ("--set", "check_clock=false")
        assert (await process.start(*relay(tmp_path, *trusting))).startswith("listening on")
        assert await process.stop() == 0
    finally:
        await process.kill()


@pytest.mark.parametrize("what", [("token", "list"), ("card", "list"), ("channel", "list")])
async def test_a_command_for_a_folder_that_is_none_makes_none(
    tmp_path: Path, what: tuple[str, str]
) -> None:
    ended = await run("peerpost-relay", *what, "--data", tmp_path / "typo")
    assert ended.code == FAILED
    assert "there is no relay's store" in said(ended)
    assert not (tmp_path / "typo").exists()


async def test_whoever_makes_a_new_store_or_vault_is_told(tmp_path: Path) -> None:
    made = await run(
        "peerpost-relay", "token", "create", "--identity", "*", "--data", tmp_path / "a"
    )
    assert f"a new store is made in {tmp_path}/a" in made.err
    starts = (
        ("peerpost-relay", relay(tmp_path), "no store in"),
        ("peerpostd", daemon(tmp_path), "no vault in"),
    )
    for name, arguments, sentence in starts:
        process = Process(name, tmp_path / f"{name}.log")
        try:
            await process.start(*arguments)
            assert await process.stop() == 0
        finally:
            await process.kill()
        assert sentence in process.log.read_text()
