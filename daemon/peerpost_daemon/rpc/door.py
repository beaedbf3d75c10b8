"""The first byte of a client says what it speaks: JSON-RPC lines, or HTTP.

A line begins with `{`, `[` or blank; an HTTP request with the capital letters of its method. No JSON-RPC request begins
with a letter, so the two cannot be mistaken for one another.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from peerpost_daemon.rpc.call import Caller, Peer
from peerpost_daemon.rpc.credentials import peer_of
from peerpost_daemon.rpc.limits import RpcLimits


class Client(Protocol):
    """Be what the server ends its clients by."""

    caller: Caller

    def drain(self) -> None:
        """Take no new requests, answer what is there and hang up."""

    def abort(self) -> None:
        """Cancel what is in work and hang up at once."""


class Door(asyncio.Protocol):
    """Wait for the first byte, and hand the client over to who speaks its language.

    `who` says what a caller may do; `places` counts those that have said nothing; `lines` and `http` make the
    protocols, which count for themselves from then on.
    """

    _transport: asyncio.Transport
    caller: Caller

    def __init__(
        self,
        limits: RpcLimits,
        who: Callable[[Peer], Caller],
        places: "Waiting",
        lines: Callable[[Caller], asyncio.Protocol],
        http: Callable[[Caller], asyncio.Protocol],
    ) -> None:
        self._limits = limits
        self._who = who
        self._places = places
        self._lines = lines
        self._http = http
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait, but not for ever; a client that there is no room for is told so at once."""
        self._transport = cast("asyncio.Transport", transport)
        self.caller = self._who(peer_of(self._transport))
        if not self._places.wait(self):
            self._hand_over(self._lines(self.caller), b"")
            return
        loop = asyncio.get_running_loop()
        self._waiting = loop.call_later(self._limits.silent_seconds, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """See what the client speaks."""
        self._leave()
        speaks = self._http if data[:1].isalpha() else self._lines
        self._hand_over(speaks(self.caller), data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget a client that said nothing."""
        self._leave()

    def drain(self) -> None:
        """Hang up: nothing was asked."""
        self._transport.close()

    def abort(self) -> None:
        """Hang up."""
        self._transport.abort()

    def _leave(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        self._places.leave(self)

    def _hand_over(self, to: asyncio.Protocol, data: bytes) -> None:
        to.connection_made(self._transport)
        self._transport.set_protocol(to)
        if data:
            to.data_received(data)


class Waiting(Protocol):
    """Count the clients that have not said anything yet."""

    def wait(self, door: Door) -> bool:
        """Take a client in; return False when there is no room for it, or no time."""

    def leave(self, door: Door) -> None:
        """Let a client go, once or more often."""
