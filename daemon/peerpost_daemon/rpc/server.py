"""The shell: a Unix socket, its clients, an orderly end."""

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.rpc.call import Caller, Peer, own_user_alone
from peerpost_daemon.rpc.connection import Connection
from peerpost_daemon.rpc.dispatch import Branch, Dispatcher, Gate, stopping
from peerpost_daemon.rpc.door import Client, Door
from peerpost_daemon.rpc.limits import RpcLimits
from peerpost_daemon.rpc.method import Registry
from peerpost_daemon.rpc.place import PRIVATE, Opening, Place
from peerpost_daemon.rpc.places import Places

_log = logging.getLogger(__name__)

_LAST_SECONDS: Final = 2.0  # what cancelled handlers have left to end in


class RpcServer:
    """Serve the registry's methods on a Unix socket."""

    def __init__(
        self,
        path: Path,
        registry: Registry,
        gate: Gate,
        *,
        limits: RpcLimits | None = None,
        who: Callable[[Peer], Caller] = own_user_alone,
        opening: Callable[[], Opening] = lambda: PRIVATE,
        further: Mapping[str, Branch] | None = None,
    ) -> None:
        self._limits = limits or RpcLimits()
        self._who = who
        self._place = Place(path, opening)
        self._dispatcher = Dispatcher(registry, gate, self._limits.max_concurrent, further)
        self._clients: set[Client] = set()
        self._places = Places(self._limits)
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

    def admit(self, who: Callable[[Peer], Caller]) -> None:
        """Ask somebody else from now on who may what, and let those go whose rights are others now."""
        self._who = who
        for client in tuple(self._clients):
            if who(client.caller.peer).accounts != client.caller.accounts:
                client.drain()

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
        if self._closing or self._places.missing(door.caller) is not None:
            return False
        self._take(door)
        return True

    def leave(self, client: Client) -> None:
        """Let a client go."""
        if client in self._clients:
            self._clients.discard(client)
            self._places.leave(client.caller)
        if not self._clients:
            self._empty.set()

    def _take(self, client: Client) -> None:
        self._clients.add(client)
        self._places.take(client.caller)
        self._empty.clear()

    def _door(self) -> Door:
        return Door(self._limits, self._who, self, self._lines, self._http)

    def _lines(self, caller: Caller) -> Connection:
        return Connection(self._dispatcher, self._limits, caller, self._enter, self.leave)

    def _http(self, caller: Caller) -> asyncio.Protocol:
        from peerpost_daemon.rpc.http import HttpConnection  # noqa: PLC0415 - most speak lines

        return HttpConnection(self._dispatcher, self._limits, caller, self._enter, self.leave)

    def _enter(self, client: Client) -> DaemonError | None:
        """Refused clients count until they are gone, so they cannot pile up either."""
        missing = self._places.missing(client.caller)
        self._take(client)
        if self._closing:  # accepted in the very tick in which the server closed
            return stopping()
        if missing is None and not client.caller.accounts:
            return self._dispatcher.stranger(client.caller.peer)
        return missing
