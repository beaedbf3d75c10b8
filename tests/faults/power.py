"""Cut the power of a relay and of a daemon while they work: acknowledged means present."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from peerpost import AsyncClient
from peerpost_protocol.frames import Accepted
from peerpost_protocol.roster import Roster
from tests.faults.disks import PoweredDisk
from tests.faults.storm import relay_integrity, vault_integrity
from tests.faults.victims import Victim
from tests.support.account import vault_of
from tests.support.processes import free_port
from tests.support.relay_client import Person, RelayClient
from tests.support.site import DaemonProcess, RelayProcess

DISK_MEGABYTES = 64
LONGEST_SECONDS = 0.6  # of work between two cuts
ARRIVAL_SECONDS = 0.05  # for answers that had left the writer when it was stopped

WRITER_WITHOUT_SYNC = """
import sys
with open(sys.argv[1], "wb", buffering=0) as file:
    for number in range(1000):
        file.write(b"x" * 4096)
    print("written", flush=True)
    sys.stdin.read()
"""


@dataclass
class Cuts:
    """Be what power cuts showed."""

    cuts: int = 0
    acknowledged: int = 0
    missing: int = 0
    damaged: int = 0

    @property
    def violations(self) -> list[str]:
        """Return what broke a promise."""
        found = []
        if self.missing:
            found.append(f"{self.missing} acknowledged messages were gone after a power cut")
        if self.damaged:
            found.append(f"{self.damaged} databases were damaged after a power cut")
        return found


def loses_what_was_not_synced(folder: Path) -> bool:
    """Tell whether the model really is one: what nobody synced must be gone after a cut."""
    disk = PoweredDisk(folder, DISK_MEGABYTES)
    with disk.on() as alive:
        command = [sys.executable, "-c", WRITER_WITHOUT_SYNC, str(alive / "file")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            with disk.after_a_cut() as left:
                file = left / "file"
                gone = not file.exists() or file.stat().st_size < 1000 * 4096
            writer.kill()
    return gone


@asynccontextmanager
async def _stopped(pid: int) -> AsyncIterator[None]:
    """Let a process stand still."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


# --- the relay


class _Publisher:
    """Publish into a channel as fast as answers come, and note every answer."""

    def __init__(self, client: RelayClient, person: Person, roster: Roster) -> None:
        self.positions: dict[int, bytes] = {}
        self._client = client
        self._person = person
        self._roster = roster

    async def run(self) -> None:
        while True:
            envelope = self._person.envelope(self._roster)
            answer = await self._client.publish(envelope)
            assert isinstance(answer, Accepted), answer
            self.positions[answer.position] = envelope


async def cut_the_relay(folder: Path, cuts: int, seed: int) -> Cuts:
    """Cut the relay's power so often while clients publish; return what was missing."""
    dice, found = random.Random(seed), Cuts()
    disk = PoweredDisk(folder, DISK_MEGABYTES)
    with disk.on() as alive:
        relay = RelayProcess(alive / "relay", free_port())
        relay.process = Victim("relay", folder / "relay.log")
        try:
            await relay.process.start(*_serve(relay.folder, relay.port))
            person = Person("alice@example.org")
            async with await RelayClient.register(relay.url, person) as client:
                roster, event = person.create([])
                answer = await client.submit(event)
                assert isinstance(answer, Accepted), answer
                publisher = _Publisher(client, person, roster)
                task = asyncio.create_task(publisher.run())
                for _ in range(cuts):
                    await asyncio.sleep(dice.uniform(0.02, LONGEST_SECONDS))
                    async with _stopped(relay.process.pid):
                        await asyncio.sleep(ARRIVAL_SECONDS)
                        noted = dict(publisher.positions)
                        with disk.after_a_cut() as left:
                            await _judge_relay(left / "relay", noted, roster, person, found)
                await _end(task)
        finally:
            await relay.process.kill()
    return found


def _serve(folder: Path, port: int) -> tuple[str | Path, ...]:
    return ("serve", "--data", folder, "--listen", f"127.0.0.1:{port}", "--allow-without-token")


async def _judge_relay(
    folder: Path, noted: dict[int, bytes], roster: Roster, person: Person, found: Cuts
) -> None:
    """Start a relay on what a cut left, and read everything it has."""
    relay = RelayProcess(folder, free_port())
    relay.process = Victim("relay", folder.parent.with_suffix(".log"))
    try:
        await relay.process.start(*_serve(folder, relay.port))
        present: dict[int, bytes] = {}
        async with await RelayClient.connect(relay.url, person) as client:
            while page := await _page(client, roster.channel, max(present, default=0)):
                present |= page
        await relay.process.stop()
    finally:
        await relay.process.kill()
    found.cuts += 1
    found.acknowledged += len(noted)
    found.missing += sum(present.get(position) != body for position, body in noted.items())
    found.damaged += relay_integrity(folder / "relay.sqlite") != "ok"


async def _page(client: RelayClient, channel: bytes, after: int) -> dict[int, bytes]:
    page = await client.read(channel, after, 256)
    return {item.position: item.body for item in page.items}  # type: ignore[union-attr]


# --- the daemon


async def cut_the_daemon(folder: Path, cuts: int, seed: int) -> Cuts:
    """Cut a daemon's power so often while a script sends; return what was missing."""
    dice, found = random.Random(seed), Cuts()
    disk = PoweredDisk(folder, DISK_MEGABYTES)
    with disk.on() as alive:
        daemon = _daemon(alive / "alice", folder)
        try:
            await daemon.start()
            await daemon.client.register(daemon.identity, timeout=0.1)
            channel = (await daemon.client.channel_create("power", []))["channel"]
            sent: list[str] = []
            tasks = [asyncio.create_task(_send(daemon, channel, sent)) for _ in range(4)]
            for _ in range(cuts):
                await asyncio.sleep(dice.uniform(0.02, LONGEST_SECONDS))
                async with _stopped(daemon.process.pid):
                    await asyncio.sleep(ARRIVAL_SECONDS)
                    noted = list(sent)
                    with disk.after_a_cut() as left:
                        await _judge_daemon(left / "alice", daemon, channel, noted, found)
            for task in tasks:
                await _end(task)
        finally:
            await daemon.client.close()
            await daemon.process.kill()
    return found


def _daemon(folder: Path, logs: Path) -> DaemonProcess:
    daemon = DaemonProcess(folder, "ws://127.0.0.1:9")  # nobody listens there
    daemon.process = Victim("daemon", logs / "daemon.log")
    return daemon


async def _send(daemon: DaemonProcess, channel: str, sent: list[str]) -> None:
    while True:
        delivery = await daemon.client.send(channel=channel, text=f"{len(sent)} " + "x" * 500)
        sent.append(delivery["message"])


async def _judge_daemon(
    folder: Path, daemon: DaemonProcess, channel: str, noted: list[str], found: Cuts
) -> None:
    """Start a daemon on what a cut left, and read everything it has."""
    left = Victim("daemon", folder.parent.with_suffix(".log"))
    where = ("--data", folder / "data", "--socket", folder / "left.sock")
    client = AsyncClient(str(folder / "left.sock"))
    try:
        secret = folder.parent.with_suffix(".secret")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:  # noqa: PTH123, ASYNC230
            file.write(daemon.passphrase)
        await left.start(*where, "--relay", daemon.relay, "--passphrase-file", secret)
        present = {message["message"] for message in await vault_of(client, channel)}
        await client.close()
        await left.stop()
    finally:
        await client.close()
        await left.kill()
    found.cuts += 1
    found.acknowledged += len(noted)
    found.missing += len(set(noted) - present)
    found.damaged += vault_integrity(folder / "data", daemon.passphrase.encode()) != "ok"


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
