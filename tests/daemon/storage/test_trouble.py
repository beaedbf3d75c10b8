"""A daemon whose disk is full, read-only or broken: reads go on, writes say why, nothing is lost, nothing spins.

The engine is the real one, on a real relay; the disk is a small tmpfs of its own.
"""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import tallies
from tests.support.accounts import RunningAccount, account
from tests.support.relay_server import RunningRelay, running_relay

ALICE, BOB = "alice@example.org", "bob@example.org"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a private 8 MB file system; unmount it afterwards."""
    place = tmp_path / "disk"
    place.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


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


@asynccontextmanager
async def two(
    tmp_path: Path, disk: Path
) -> AsyncIterator[tuple[RunningAccount, RunningAccount, bytes]]:
    """Run Alice on a good disk and Bob on the small one, in a channel."""
    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / ALICE, ALICE, relay.url) as alice,
        account(disk / BOB, BOB, relay.url) as bob,
    ):
        await alice.online()
        await bob.online()
        channel = await alice.channel("ops", BOB)
        await bob.follows(channel)
        yield alice, bob, channel


async def _stuck(who: RunningAccount) -> None:
    """Wait until the disk has refused a write."""
    async with asyncio.timeout(15):
        while who.database.trouble is None:  # noqa: ASYNC110  it rings no bell
            await asyncio.sleep(0.01)


async def test_what_comes_while_the_disk_is_full_is_stored_once_there_is_room(
    tmp_path: Path, disk: Path
) -> None:
    async with two(tmp_path, disk) as (alice, bob, channel):
        await alice.send(channel, "before")
        await bob.shows(channel, "before")
        ballast = fill(disk)
        texts = [f"{number} " + "x" * 60_000 for number in range(20)]
        for text in texts:
            await alice.send(channel, text)
        await _stuck(bob)
        assert bob.database.trouble is not None
        assert bob.database.trouble.kind == "storage_full"
        said = [bob.send(channel, "y" * 100_000) for _ in range(50)]
        outcomes = await asyncio.gather(*said, return_exceptions=True)
        assert "storage_full" in {getattr(outcome, "kind", None) for outcome in outcomes}
        assert (await bob.texts(channel))[0] == "before"
        ballast.unlink()
        await bob.shows(channel, "before", *texts)
        assert await bob.reasons() == []


async def test_a_full_disk_is_not_tried_in_a_hot_loop(tmp_path: Path, disk: Path) -> None:
    async with two(tmp_path, disk) as (alice, bob, channel):
        ballast = fill(disk)
        before = _tries(bob)
        texts = [f"{number} " + "x" * 60_000 for number in range(20)]
        for text in texts:
            await alice.send(channel, text)
        await _stuck(bob)
        await asyncio.sleep(2.0)  # the subject is what happens while nothing happens
        tries = before["count"]
        ballast.unlink()
        await bob.shows(channel, *texts)
        assert tries < 60


def _tries(who: RunningAccount) -> dict[str, int]:
    """Count the writes that the parts of the engine try from now on."""
    counted = {"count": 0}
    write = who.database.write

    async def counting(function: Any, **how: Any) -> Any:
        counted["count"] += 1
        return await write(function, **how)

    who.database.write = counting  # type: ignore[method-assign]
    return counted


async def test_a_disk_that_turned_read_only_lets_reads_go_on(tmp_path: Path, disk: Path) -> None:
    async with two(tmp_path, disk) as (alice, bob, channel):
        await alice.send(channel, "before")
        await bob.shows(channel, "before")
        await bob.database._writing.call(lambda db: db.execute("PRAGMA query_only = ON").fetchall())
        with pytest.raises(DaemonError) as caught:
            await bob.send(channel, "never")
        assert caught.value.kind == "storage_failed"
        await alice.send(channel, "meanwhile")
        assert await bob.texts(channel) == ["before"]
        assert (await bob.read(tallies.queued)).count == 0
        await bob.database._writing.call(
            lambda db: db.execute("PRAGMA query_only = OFF").fetchall()
        )
        await bob.shows(channel, "before", "meanwhile")


async def test_a_full_disk_at_the_relay_keeps_messages_at_their_sender(
    tmp_path: Path, disk: Path
) -> None:
    async with (
        running_relay(disk / "relay") as relay,
        account(tmp_path / ALICE, ALICE, relay.url) as alice,
    ):
        await alice.online()
        channel = await alice.channel("ops")
        ballast, lost = fill(disk), _group_lost(relay)
        message = await alice.send(channel, "x" * 60_000)
        async with asyncio.timeout(15):
            await lost.wait()
        assert (await alice.read(tallies.queued)).count == 1
        ballast.unlink()
        await alice.outgoing(message, "delivered")  # at once, where there is nobody else


def _group_lost(relay: RunningRelay) -> asyncio.Event:
    """Return what is set once the relay's disk has refused a group."""
    happened = asyncio.Event()
    lost = relay.relay._writer._lost

    def noting(group: Any, error: Any) -> None:
        lost(group, error)
        happened.set()

    relay.relay._writer._lost = noting  # type: ignore[method-assign]
    return happened
