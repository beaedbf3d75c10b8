"""What all connections of a listener share, and who hears of them.

What a tick of the loop brings for many receivers leaves at its end, in one callback for all of them.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from peerpost_relay.addresses import Proxies, network_of
from peerpost_relay.http import Pages
from peerpost_relay.settings import EdgeSettings
from peerpost_relay.wheel import Wheel

if TYPE_CHECKING:  # the two know each other
    from peerpost_relay.connection import Connection


class Handler(Protocol):
    """Hear what happens to open connections; every call is synchronous and must not block.

    An exception that leaves a handler is logged by the event loop and drops the connection.
    """

    def opened(self, connection: "Connection") -> None:
        """Take a connection that may be sent to; the first call about it."""

    def message(self, connection: "Connection", payload: bytes) -> None:
        """Take one whole binary message; never after `close` or `abort`."""

    def writable(self, connection: "Connection") -> None:
        """Go on sending: `buffered` was above `write_low_bytes` and is below it again."""

    def closed(self, connection: "Connection") -> None:
        """Forget the connection; exactly once for each `opened`, and the last call about it."""


@dataclass(slots=True, eq=False)
class Edge:
    """Hold what all connections of a listener share."""

    settings: EdgeSettings
    handler: Handler
    pages: Pages
    loop: asyncio.AbstractEventLoop
    wheel: Wheel
    connections: "set[Connection]" = field(default_factory=set)  # every socket in any phase
    emptied: asyncio.Event = field(default_factory=asyncio.Event)  # set when the last one goes
    networks: Counter[str] = field(default_factory=Counter)  # sockets of each address
    opened: int = 0  # how many of them are WebSockets
    securing: dict[asyncio.Task[None], str | None] = field(default_factory=dict)  # not TLS yet
    owing: "list[Connection]" = field(default_factory=list)  # what they were sent is to leave
    proxies: Proxies = field(init=False)

    def __post_init__(self) -> None:
        """Read the networks of the proxies once."""
        self.apply(self.settings)

    def apply(self, settings: EdgeSettings) -> None:
        """Go by these from now on."""
        self.settings = settings
        self.proxies = Proxies(settings.proxies)

    def flush_soon(self, connection: "Connection") -> None:
        """Flush a connection at the end of this tick: one callback for all that a message goes to."""
        if not self.owing:
            self.loop.call_soon(self._flush)
        self.owing.append(connection)

    def _flush(self) -> None:
        owing, self.owing = self.owing, []
        for connection in owing:
            try:
                connection.flush()
            except Exception as error:  # noqa: BLE001  one connection must not take the others with it
                told = {"message": "a connection could not be flushed", "exception": error}
                self.loop.call_exception_handler(told)
                connection.abort()

    def crowded(self) -> bool:
        """Tell whether one more WebSocket would be too many."""
        return self.opened >= self.settings.connections_max

    def counted(self, address: str) -> str | None:
        """Return what counts as the address of a peer, None for one who is not bounded."""
        return None if self.proxies.believes(address) else network_of(address)

    def secure(self, network: str | None, speaking: Coroutine[Any, Any, None]) -> None:
        """Let a socket that was admitted speak TLS."""
        task = self.loop.create_task(speaking)
        self.securing[task] = network
        task.add_done_callback(self.secured)

    def secured(self, task: "asyncio.Task[None]") -> None:
        """Count a socket of `secure` no more: a connection takes its place, or it is gone."""
        if task in self.securing:
            self._leave(self.securing.pop(task))

    def admit(self, network: str | None) -> bool:
        """Count one more socket of an address; False, and nothing counted, when it has too many."""
        if network is None:
            return True
        if self.networks[network] >= self.settings.sockets_per_address_max:
            return False
        self.networks[network] += 1
        return True

    def leave(self, connection: "Connection") -> None:
        """Forget a socket that is gone."""
        self.wheel.remove(connection)
        self._leave(connection.network)
        self.connections.discard(connection)
        if not self.connections:
            self.emptied.set()

    def besieged(self) -> bool:
        """Tell whether one more socket without a finished handshake would be too many."""
        shaking = len(self.securing) + len(self.connections) - self.opened
        return shaking >= self.settings.handshakes_max

    def _leave(self, network: str | None) -> None:
        if network is not None:
            self.networks[network] -= 1
            if not self.networks[network]:
                del self.networks[network]
