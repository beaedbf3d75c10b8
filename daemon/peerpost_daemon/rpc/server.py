"""The shell: a Unix socket, its clients, an orderly end."""

import asyncio
import logging
import socket
from pathlib import Path
from typing import Final

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.rpc.connection import Connection
from peerpost_daemon.rpc.dispatch import Dispatcher, Gate, stopping
from peerpost_daemon.rpc.door import Client, Door
from peerpost_daemon.rpc.http import HttpConnection
from peerpost_daemon.rpc.limits import RpcLimits
from peerpost_daemon.rpc.method import Registry
from peerpost_daemon.rpc.place import Place

_log = logging.getLogger(__name__)

_NO_ROOM_RETRY: Final = 5.0  # seconds
_LAST_SECONDS: Final = 2.0  # what cancelled handlers have left to end in


class RpcServer:
    """Serve the registry's methods on a Unix socket."""

    def __init__(
        self, path: Path, registry: Registry, gate: Gate, *, limits: RpcLimits | None = None
    ) -> None:
        self._limits = limits or RpcLimits()
        self._place = Place(path)
        self._dispatcher = Dispatcher(registry, gate, self._limits.max_concurrent)
        self._clients: set[Client] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._server: asyncio.Server | None = None
        self._closing = False

    @property
    def path(self) -> Path:
        """Return where the socket lies."""
        return self._place.path

    @property
    def clients(self) -> int:
        """Return how many connections there are."""
        return len(self._clients)

    async def start(self, passed: socket.socket | None = None) -> None:
        """Listen. Raises DaemonStartError if the place is taken or not safe.

        A socket that the service manager passed on is already in its place, and stays there after us.
        """
        listening = passed or self._place.take(self._limits.backlog)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(
            self._door, sock=listening, backlog=self._limits.backlog
        )

    async def close(self, drain_seconds: float) -> None:
        """Take no new clients and requests, let those in work end for so long, then cancel them.

        New requests meanwhile are answered with shutting_down. A handler must not await this: it
        would wait for itself.
        """
        if self._server is not None:
            self._server.close()
            self._server = None
        self._closing = True
        self._dispatcher.stop()
        try:
            await self._end_clients(drain_seconds)
        finally:
            self._place.leave()

    async def _end_clients(self, drain_seconds: float) -> None:
        for client in tuple(self._clients):
            client.drain()
        if not await self._emptied(drain_seconds):
            for client in tuple(self._clients):
                client.abort()
            if not await self._emptied(_LAST_SECONDS):
                _log.error("%d connections did not end when told to", len(self._clients))

    async def _emptied(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    def wait(self, door: Door) -> bool:
        """Take in a client that has not said anything yet; return whether there is room for it."""
        if self._closing or len(self._clients) >= self._limits.max_clients:
            return False
        self._clients.add(door)
        self._empty.clear()
        return True

    def leave(self, client: Client) -> None:
        """Let a client go."""
        self._clients.discard(client)
        if not self._clients:
            self._empty.set()

    def _door(self) -> Door:
        return Door(self._limits, self, self._lines, self._http)

    def _lines(self) -> Connection:
        return Connection(self._dispatcher, self._limits, self._enter, self.leave)

    def _http(self) -> HttpConnection:
        return HttpConnection(self._dispatcher, self._limits, self._enter, self.leave)

    def _enter(self, client: Client) -> DaemonError | None:
        """Refused clients count until they are gone, so they cannot pile up either."""
        full = len(self._clients) >= self._limits.max_clients
        self._clients.add(client)
        self._empty.clear()
        if self._closing:  # accepted in the very tick in which the server closed
            return stopping()
        if not full:
            return None
        message = f"{self._limits.max_clients} connections are open already."
        return DaemonError("too_many_requests", message, retry_after=_NO_ROOM_RETRY)
