"""What happens to files: full disks, damaged pages, torn logs, yesterday's copies put back."""

import asyncio
import hashlib
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from peerpost.types import Event
from tests.faults.checker import Verdict
from tests.faults.disks import fill, small_disk
from tests.faults.storm import StormSite
from tests.faults.victims import Victim
from tests.faults.workload import Workload
from tests.support.processes import Process, ProcessError
from tests.support.site import DaemonProcess, RelayProcess

DISK_MEGABYTES = 12
TORN = 0.5  # of a log is left
SPOILED_BYTES = 512
PAGE_BYTES = 4096


@dataclass
class Fullness:
    """Be what full disks showed."""

    verdicts: list[Verdict] = field(default_factory=list)
    under_way: dict[str, object] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)  # what scripts were told, and how often
    said_while_relay_full: int = 0

    @property
    def violations(self) -> list[str]:
        """Return what broke a promise."""
        wrong = [str(verdict) for verdict in self.verdicts if not verdict.is_clean]
        return wrong + ([f"never settled: {self.under_way}"] if self.under_way else [])


async def fill_disks(folder: Path, seconds: float) -> Fullness:
    """Fill the relay's disk, then a daemon's, each for so long, while everybody talks."""
    found = Fullness()
    with ExitStack() as disks:
        relay_disk = disks.enter_context(small_disk(folder / "relay disk", DISK_MEGABYTES))
        vault_disk = disks.enter_context(small_disk(folder / "vault disk", DISK_MEGABYTES))
        async with StormSite(folder / "site") as site:
            site.relay = RelayProcess(relay_disk / "relay", site.relay.port)
            site.relay.process = Victim("relay", folder / "relay.log")
            await site.relay.start()
            members = [_on_disk(site, vault_disk, folder), site.daemon("bob")]
            await asyncio.gather(*(register(site, member) for member in members))
            workload = Workload(site, members)
            await workload.begin("full")
            try:
                await _full(workload, relay_disk, vault_disk, seconds, found)
            finally:
                await workload.end()
    return found


async def _full(
    workload: Workload, relay_disk: Path, vault_disk: Path, seconds: float, found: Fullness
) -> None:
    await workload.more(10)
    ballast, before = fill(relay_disk), workload.acknowledged
    await asyncio.sleep(seconds)
    found.said_while_relay_full = workload.acknowledged - before
    ballast.unlink()
    await workload.more(10)
    ballast = fill(vault_disk)
    await asyncio.sleep(seconds)
    ballast.unlink()
    await workload.more(10)
    found.verdicts = await workload.settle()
    found.under_way = await workload.undelivered()
    for talker in workload.talkers:
        for kind, count in talker.refusals.items():
            found.refusals[kind] = found.refusals.get(kind, 0) + count


def _on_disk(site: StormSite, disk: Path, folder: Path) -> DaemonProcess:
    daemon = DaemonProcess(disk / "alice", site.relay.url)
    daemon.process = Victim("daemon", folder / "alice.log")
    site.daemons.append(daemon)
    return daemon


async def register(site: StormSite, daemon: DaemonProcess) -> None:
    """Start a daemon and register it."""
    token, _ = await asyncio.gather(site.relay.token(daemon.identity), daemon.start())
    account = await daemon.client.register(daemon.identity, token=token)
    assert account["state"] == "registered", account


def spoil(path: Path) -> None:
    """Overwrite the beginning of the page in the middle of a file."""
    middle = path.stat().st_size // 2 // PAGE_BYTES * PAGE_BYTES
    with path.open("r+b") as file:
        file.seek(middle)
        file.write(b"\xa5" * SPOILED_BYTES)


def tear(log: Path) -> int:
    """Cut a write-ahead log off in its middle; return the bytes that were cut off."""
    size = log.stat().st_size
    left = int(size * TORN)
    with log.open("r+b") as file:
        file.truncate(left)
    return size - left


def moved_frames(database: Path) -> int:
    """Return how many frames of its log a database whose process was killed has taken in already.

    `nBackfill` of the log's index: sqlite.org/walformat.html, section 2.1, offset 96, the machine's byte order.
    """
    index = database.with_name(f"{database.name}-shm").read_bytes()
    return int.from_bytes(index[96:100], sys.byteorder)


def digest(path: Path) -> str:
    """Return what a file holds, in short."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def copy(folder: Path, to: Path) -> None:
    """Copy a folder as a backup does; an older copy is replaced."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)


def put_back(backup: Path, folder: Path) -> None:
    """Replace a folder by its backup."""
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)


async def refuses_to_start(place: DaemonProcess | RelayProcess) -> tuple[int | None, str]:
    """Return the exit code and the last line of the log of a start that must fail."""
    try:
        await place.start()
    except ProcessError:
        process = place.process
        assert process._process is not None
        return process._process.returncode, last_line(process)
    await place.process.kill()
    return None, "it started"


def last_line(process: Process) -> str:
    """Return the last line of a process's log."""
    lines = process.log.read_text().splitlines()
    return lines[-1] if lines else ""


async def tell(daemon: DaemonProcess, channel: str, texts: Sequence[str]) -> None:
    """Send messages one after the other and wait until everybody has each."""
    for text in texts:
        await daemon.client.send(channel=channel, text=text, wait="delivered", timeout=30.0)


async def daemon_event(daemon: DaemonProcess, change: str) -> Event:
    """Return the first event of the daemon about a change; raise when there is none in time."""
    return await daemon.event("daemon", change=change)
