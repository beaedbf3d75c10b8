"""Accept the relay's connections: TCP on both address families, or a Unix socket."""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import stat
from functools import partial
from pathlib import Path
from socket import AF_INET, AF_INET6, AF_UNIX

from msgspec import Struct

from peerpost_relay.connection import Connection
from peerpost_relay.edge import Edge, Handler
from peerpost_relay.http import Health, Information, Pages
from peerpost_relay.settings import EdgeSettings
from peerpost_relay.tls_door import TlsDoor
from peerpost_relay.wheel import Wheel

UNIX_PREFIX = "unix:"
SERVICE_RESTART = 1012
PROBE_SECONDS = 1.0  # for whoever answers on a Unix socket that is in our place
LAST_SECONDS = 1.0  # how long aborted sockets may take to be reported closed


class Bound(Struct, frozen=True):
    """Say where a listener listens; `port` is 0 for a Unix socket. `secure`: it speaks TLS."""

    host: str
    port: int = 0
    secure: bool = False

    def __str__(self) -> str:
        if self.host.startswith(UNIX_PREFIX):
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Return the address as clients write it; a Unix socket's stays as it is."""
        if self.host.startswith(UNIX_PREFIX):
            return self.host
        return f"wss://{self}" if self.secure else f"ws://{self}"


class Listener:
    """Own the listening sockets, their connections and the one timer of all of them."""

    def __init__(
        self,
        settings: EdgeSettings,
        handler: Handler,
        info: Information,
        health: Health,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings
        self._handler = handler
        self._pages = Pages(info, health)
        self._ssl_context = ssl_context
        self._edge: Edge | None = None
        self._servers: list[asyncio.Server] = []
        self._paths: list[tuple[Path, int]] = []

    def apply(self, settings: EdgeSettings) -> None:
        """Go by these from now on, with the connections that there are, too."""
        self._settings = settings
        if self._edge is not None:
            self._edge.apply(settings)

    @property
    def connections(self) -> frozenset[Connection]:
        """Take a picture of all sockets, whatever their phase."""
        return frozenset(self._edge.connections) if self._edge else frozenset()

    @property
    def opened(self) -> int:
        """Count the open WebSockets."""
        return self._edge.opened if self._edge else 0

    async def listen(self, host: str, port: int = 0) -> list[Bound]:
        """Listen on `host` and `port` (0: any free one), or on `unix:/path`; may be called again.

        Raises OSError when the address cannot be bound. A Unix socket's mode is the umask's.
        """
        edge = self._share()
        if host.startswith(UNIX_PREFIX):
            return [await self._listen_unix(edge, host)]
        server = await edge.loop.create_server(
            partial(_arriving, edge, self._ssl_context),
            host,
            port,
            backlog=self._settings.backlog,
        )
        self._servers.append(server)
        return [
            _bound(listening.getsockname(), self._ssl_context)
            for listening in server.sockets
            if listening.family in {AF_INET, AF_INET6}
        ]

    async def adopt(self, passed: socket.socket) -> Bound:
        """Listen on a socket that is bound and listens already; its file is not ours to remove.

        Raises OSError for one that is neither TCP nor Unix.
        """
        if passed.family not in {AF_INET, AF_INET6, AF_UNIX}:
            raise OSError("the passed socket is neither TCP nor Unix")
        edge = self._share()
        loop, name = edge.loop, passed.getsockname()
        unix = passed.family == AF_UNIX
        create = loop.create_unix_server if unix else loop.create_server
        context = None if unix else self._ssl_context
        server = await create(
            partial(_arriving, edge, context),
            sock=passed,
            backlog=self._settings.backlog,
        )
        self._servers.append(server)
        return Bound(f"{UNIX_PREFIX}{name}") if unix else _bound(name, context)

    async def close(self, drain_seconds: float, reason: str = "restart") -> None:
        """Accept no more, close all with 1012, abort whoever is left after `drain_seconds`."""
        for server in self._servers:
            server.close()
        for connection in self.connections:
            connection.close(SERVICE_RESTART, reason)
        for task in list(self._edge.securing) if self._edge else ():
            task.cancel()
        await self._emptied(drain_seconds)
        for connection in self.connections:
            connection.abort()
        await self._emptied(LAST_SECONDS)
        if self._edge is not None:
            self._edge.wheel.stop()
        for path, inode in self._paths:
            _unlink(path, inode)
        self._servers.clear()
        self._paths.clear()

    def _share(self) -> Edge:
        if self._edge is None:
            loop = asyncio.get_running_loop()
            wheel = Wheel(self._settings.tick_seconds, _longest_seconds(self._settings))
            self._edge = Edge(self._settings, self._handler, self._pages, loop, wheel)
            wheel.start(loop)
        return self._edge

    async def _listen_unix(self, edge: Edge, host: str) -> Bound:
        path = Path(host.removeprefix(UNIX_PREFIX))
        _refuse_taken(path)
        server = await edge.loop.create_unix_server(
            lambda: Connection(edge), str(path), backlog=self._settings.backlog
        )
        self._servers.append(server)
        self._paths.append((path, path.stat().st_ino))  # noqa: ASYNC240  # one stat at start
        return Bound(host)

    async def _emptied(self, seconds: float) -> None:
        edge = self._edge
        if edge is None or not edge.connections:
            return
        edge.emptied.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await edge.emptied.wait()


def _arriving(edge: Edge, context: ssl.SSLContext | None) -> asyncio.Protocol:
    return Connection(edge) if context is None else TlsDoor(edge, context)


def _bound(name: tuple[str, int], context: ssl.SSLContext | None) -> Bound:
    return Bound(name[0], name[1], secure=context is not None)


def _longest_seconds(settings: EdgeSettings) -> float:
    spans = (settings.handshake_seconds, settings.ping_interval_seconds, settings.close_seconds)
    return max(spans)


def _refuse_taken(path: Path) -> None:
    """Raise OSError for what is no socket, or is one that somebody answers on: the event loop would replace it."""
    try:
        found = path.lstat()
    except OSError:
        return  # nothing is there, or binding says what is wrong
    if not stat.S_ISSOCK(found.st_mode):
        raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
    with socket.socket(AF_UNIX) as probe:
        probe.settimeout(PROBE_SECONDS)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return  # its process has ended
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _unlink(path: Path, inode: int) -> None:
    """Remove the socket file unless another listener has put its own there since."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_ino == inode:
            path.unlink()
