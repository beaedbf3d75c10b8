"""What systemd and a service say to each other: readiness, watchdog, sockets passed on.

sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3), without a library. Without a service manager
(none of its variables is set) everything here does nothing.

The relay and the daemon have one copy each of this file, the same to the byte, and a test compares
them: they share only `protocol`, which does no I/O, and this is too little for a package.
"""

import asyncio
import itertools
import logging
import os
import re
import socket
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Final

FIRST_DESCRIPTOR: Final = 3  # SD_LISTEN_FDS_START
MAX_SOCKETS: Final = 16  # passed on to one service
MAX_STATUS_CHARACTERS: Final = 500
SEND_SECONDS: Final = 1.0  # how long a manager that does not read may hold us up
FEEDINGS: Final = 2  # in one span of the watchdog
_NUMBER = re.compile("[0-9]{1,18}")
_ACTIVATION: Final = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID")

Alive = Callable[[bool], Awaitable[str | None]]
"""Return what is wrong, None when all is well. True asks for a real write to the database."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServiceManager:
    """Be who started us; `watchdog_seconds` is None unless it wants signs of life from us."""

    address: str | None = None
    watchdog_seconds: float | None = None

    @classmethod
    def of(cls, environment: MutableMapping[str, str]) -> "ServiceManager":
        """Find the manager, and remove its variables: they are for no process that we start."""
        address = environment.pop("NOTIFY_SOCKET", None)
        span = environment.pop("WATCHDOG_USEC", "")
        owner = environment.pop("WATCHDOG_PID", str(os.getpid()))
        watched = owner == str(os.getpid()) and _NUMBER.fullmatch(span) and int(span) > 0
        return cls(address or None, int(span) / 1_000_000 if watched else None)

    def tell(self, *assignments: str) -> None:
        """Send `READY=1` and the like in one datagram. Never raises: a manager that is gone is none."""
        if self.address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
                sending.settimeout(SEND_SECONDS)
                sending.sendto("\n".join(assignments).encode(), _place(self.address))
        except (OSError, ValueError) as error:
            log.warning("the service manager was not told %s: %s", assignments[0], error)

    def ready(self, status: str) -> None:
        """Say that we serve, at the start and at the end of a reload."""
        self.tell("READY=1", status_line(status))

    def reloading(self) -> None:
        """Say that a reload begins; `ready` ends it."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1_000}")

    def stopping(self) -> None:
        """Say that we drain and end."""
        self.tell("STOPPING=1", status_line("draining"))

    async def feed(self, alive: Alive) -> None:
        """Give signs of life until cancelled, while `alive` finds nothing wrong; at once without a watchdog.

        The first question of each span asks for a real write, and so does each after trouble. One that is not answered
        in half the time to the next is trouble. Trouble is logged, and shown as the status, when it begins and ends.
        """
        if self.watchdog_seconds is None:
            return
        period = self.watchdog_seconds / FEEDINGS
        trouble = None
        for number in itertools.count():
            write = trouble is not None or number % FEEDINGS == 0
            before, trouble = trouble, await _answer(alive, write, period / 2)
            if trouble is None:
                self.tell("WATCHDOG=1")
            if (trouble is None) is not (before is None):
                self._show(trouble)
            await asyncio.sleep(period)

    def _show(self, trouble: str | None) -> None:
        said = f"not well: {trouble}" if trouble else "well again"
        log.log(logging.ERROR if trouble else logging.INFO, "watchdog: %s", said)
        self.tell(status_line(said))


async def _answer(alive: Alive, write: bool, seconds: float) -> str | None:  # noqa: FBT001
    try:
        async with asyncio.timeout(seconds):
            return await alive(write)
    except TimeoutError:
        return f"no answer for {seconds:g} seconds"


def status_line(status: str) -> str:
    """Return the assignment that shows a sentence in `systemctl status`; it stays one line."""
    return "STATUS=" + " ".join(status.split())[:MAX_STATUS_CHARACTERS]


def _place(address: str) -> str:
    """Return the address as the kernel takes it; raise ValueError for kinds that we do not speak."""
    if address.startswith("@"):
        return "\0" + address[1:]
    if not address.startswith("/"):
        raise ValueError("only paths and abstract addresses are known")
    return address


def passed_sockets(environment: MutableMapping[str, str], name: str) -> list[socket.socket]:
    """Return the listening stream sockets that were passed on to us, all of them called `name`.

    Its variables are removed. Raises OSError with a sentence for whoever wrote the unit: what it meant as our door is
    not passed over.
    """
    given = {variable: environment.pop(variable, "") for variable in _ACTIVATION}
    if given["LISTEN_PID"] != str(os.getpid()) or not given["LISTEN_FDS"]:
        return []
    if not _NUMBER.fullmatch(given["LISTEN_FDS"]) or int(given["LISTEN_FDS"]) > MAX_SOCKETS:
        raise OSError(f"LISTEN_FDS is no number up to {MAX_SOCKETS}")
    count = int(given["LISTEN_FDS"])
    names = given["LISTEN_FDNAMES"].split(":") if given["LISTEN_FDNAMES"] else []
    if names != [name] * count:
        raise OSError(f"passed sockets must be named {name} (FileDescriptorName={name})")
    return [_adopted(FIRST_DESCRIPTOR + index) for index in range(count)]


def _adopted(descriptor: int) -> socket.socket:
    try:
        taken = socket.socket(fileno=descriptor)
    except OSError as error:
        raise OSError(f"descriptor {descriptor} is no socket: {error.strerror}") from None
    taken.set_inheritable(False)
    taken.setblocking(False)  # noqa: FBT003 - the standard library's signature
    listens = taken.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if taken.type != socket.SOCK_STREAM or not listens:
        taken.close()
        raise OSError(f"descriptor {descriptor} is not a listening stream socket")
    return taken
