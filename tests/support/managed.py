"""A service manager for tests: it speaks systemd's protocols with our real processes.

It hears what they tell (NOTIFY_SOCKET), passes sockets on (LISTEN_FDS), and has a watchdog.
"""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.processes import START_SECONDS, command, environment

DATAGRAM_BYTES = 4096
LAUNCHER = """
import json, os, sys
given = json.loads(sys.argv[1])
for number, descriptor in enumerate(given["descriptors"]):
    os.dup2(descriptor, 3 + number)
for variable in given["own_pid"]:
    os.environ[variable] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


class Managed:
    """Be a running service and what it has told; `told` holds each datagram's lines."""

    def __init__(self, process: asyncio.subprocess.Process, hearing: socket.socket) -> None:
        self.process = process
        self.told: list[list[str]] = []
        self._hearing = hearing

    async def tells(self, pattern: str) -> list[str]:
        """Return the next datagram that has a line like this."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                loop = asyncio.get_running_loop()
                datagram = await loop.sock_recv(self._hearing, DATAGRAM_BYTES)
                self.told.append(datagram.decode().split("\n"))
                if any(re.fullmatch(pattern, line) for line in self.told[-1]):
                    return self.told[-1]

    async def tells_nothing(self, seconds: float) -> bool:
        """Tell whether it is silent for so long."""
        try:
            async with asyncio.timeout(seconds):
                await asyncio.get_running_loop().sock_recv(self._hearing, DATAGRAM_BYTES)
        except TimeoutError:
            return True
        return False

    async def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def end(self) -> int:
        """Wait for its end and return its exit code."""
        async with asyncio.timeout(START_SECONDS):
            return await self.process.wait()

    async def complaint(self) -> str:
        """Return its standard error, once it has ended by itself."""
        async with asyncio.timeout(START_SECONDS):
            _, err = await self.process.communicate()
        return err.decode()


@asynccontextmanager
async def managed(
    name: str,
    *arguments: str | Path,
    address: str,
    passed: Sequence[socket.socket] = (),
    passed_name: str = "",
    own_pid: Sequence[str] = (),
    before: Sequence[str | Path] = (),
    **variables: str,
) -> AsyncIterator[Managed]:
    """Start a command of ours as a service; `own_pid` names the variables that shall hold its pid.

    `before` is a command line that ends in running what follows it.
    """
    hearing = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    hearing.bind(address.replace("@", "\0", 1))
    if passed:
        names = ":".join(passed_name for _ in passed)
        variables |= {"LISTEN_FDS": str(len(passed)), "LISTEN_FDNAMES": names}
        own_pid = [*own_pid, "LISTEN_PID"]
    descriptors = [one.fileno() for one in passed]
    given = json.dumps({"descriptors": descriptors, "own_pid": list(own_pid)})
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LAUNCHER, given, *before, command(name), *arguments,
        env=environment() | {"NOTIFY_SOCKET": address} | variables,
        pass_fds=descriptors, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        with hearing:
            yield Managed(process, hearing)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def unix_listener(path: Path, mode: int = 0o600) -> socket.socket:
    """Return a listening socket as a socket unit makes it."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(str(path))
    path.chmod(mode)
    made.listen()
    return made


def own_abstract_address() -> str:
    """Return an abstract address that nobody else has."""
    return f"@peerpost-test-{os.getpid()}-{os.urandom(4).hex()}"
