"""Our commands as real processes: started, killed, stopped, and ended whatever happens.

A process is ready once it has printed its first line; nothing here sleeps. What it writes to
standard error stands in a file, for people and for tests that look for secrets in it.
"""

import asyncio
import os
import random
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 20.0  # until a process has said that it is ready
STOP_SECONDS = 15.0  # until a process that was asked to stop has stopped
RUN_SECONDS = 40.0  # for one run of a command that ends by itself
FIRST_PORT, LAST_PORT = 20_000, 32_000  # below the ports that the system gives to callers
OUR_VARIABLES = ("PEERPOST_", "CREDENTIALS_DIRECTORY")


class ProcessError(Exception):
    """Say which process did not do what it was started for, with the end of its log."""


@dataclass(frozen=True)
class Finished:
    """Be the outcome of a command that has ended."""

    code: int
    out: str
    err: str


def command(name: str) -> Path:
    """Return where a console script of this environment is."""
    return Path(sys.executable).with_name(name)


def environment() -> dict[str, str]:
    """Return our environment without what would lead a process elsewhere."""
    return {k: v for k, v in os.environ.items() if not k.startswith(OUR_VARIABLES)}


def free_port() -> int:
    """Return a port that nobody listens on.

    Never one that the system hands out by itself: while the relay is down, a daemon that calls its
    port could be given that very port as its own.
    """
    while True:
        port = random.randint(FIRST_PORT, LAST_PORT)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


async def run(name: str, *arguments: str | Path, stdin: bytes = b"") -> Finished:
    """Run a command of ours to its end."""
    process = await asyncio.create_subprocess_exec(
        command(name),
        *arguments,
        env=environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(RUN_SECONDS):
            out, err = await process.communicate(stdin)
    finally:
        await _end(process)
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode())


class Process:
    """Be one long-running command; it can be started again after its end."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Return the number of the running process."""
        return self._running().pid

    @property
    def is_running(self) -> bool:
        """Tell whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self, *arguments: str | Path) -> str:
        """Start, and return the first line printed; raise ProcessError when none comes."""
        assert not self.is_running
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                command(self.name),
                *arguments,
                env=environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        line = await self._first_line(self._process)
        if not line:
            await self.kill()
            raise ProcessError(f"{self.name} did not start:\n{self.log.read_text()[-2000:]}")
        return line

    async def stop(self) -> int:
        """Ask it to stop, and return its exit code; raise ProcessError when it goes on."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await process.wait()
        except TimeoutError:
            raise ProcessError(f"{self.name} does not stop") from None
        finally:
            await _end(process)

    async def kill(self) -> None:
        """End it at once, as a failing machine would; harmless when it has ended."""
        if self._process is not None:
            await _end(self._process)

    def resident_bytes(self) -> int | None:
        """Return the memory it occupies; None where the system does not tell."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return None
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return int(fields["VmRSS"].split()[0]) * 1024

    def processor_seconds(self) -> float:
        """Return the processor time it has used; 0 where the system does not tell."""
        try:
            status = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return 0.0
        user, system = status.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            raise ProcessError(f"{self.name} does not run:\n{self.log.read_text()[-2000:]}")
        return self._process

    async def _first_line(self, process: asyncio.subprocess.Process) -> str:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_SECONDS):
                return (await process.stdout.readline()).decode().strip()
        except TimeoutError:
            return ""


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what still runs, wait for it, and read its output to the end: that closes the pipe."""
    if process.returncode is None:
        process.kill()
    await asyncio.shield(process.wait())
    if process.stdout is not None:
        await process.stdout.read()
