"""What a handler knows of its caller."""

import functools
import itertools
import logging
import os
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from msgspec import Struct

from peerpost_daemon.errors import CallerGone
from peerpost_daemon.rpc import envelope
from peerpost_daemon.rpc.rights import EVERYTHING, NOTHING, Rights

ROOT: Final = 0
_log = logging.getLogger(__name__)


class Peer(NamedTuple):
    """The process at the other end, as the kernel tells it at connection time."""

    uid: int
    gid: int
    pid: int
    groups: tuple[int, ...] = ()  # beside `gid`


class Caller(NamedTuple):
    """Who calls, and what that one may do."""

    peer: Peer
    rights: Rights

    @property
    def owns(self) -> bool:
        """Tell whether it is the daemon's own user, or root."""
        return self.rights is EVERYTHING


def own_user_alone(peer: Peer) -> Caller:
    """Let the daemon's own user and root do everything, nobody else anything: what holds without any table."""
    return Caller(peer, EVERYTHING if peer.uid in (os.geteuid(), ROOT) else NOTHING)


class Outbound(Protocol):
    """Where lines to the client go."""

    async def send(self, line: bytes) -> None:
        """Hand over a line (without newline) once there is room; raises CallerGone."""


class Call:
    """Speak with the client of one connection; all its requests share one Call.

    ``state`` is the handlers' own and lives as long as the connection.
    """

    def __init__(self, caller: Caller, outbound: Outbound) -> None:
        self.peer, self.rights = caller
        self.state: dict[str, Any] = {}
        self._outbound = outbound
        self._on_close: dict[int, Callable[[], None]] = {}
        self._numbers = itertools.count()
        self._closed = False

    @property
    def holds(self) -> bool:
        """Tell whether something of the caller's ends with the connection: a subscription, a draft."""
        return bool(self._on_close)

    @property
    def closed(self) -> bool:
        """Tell whether the connection has ended."""
        return self._closed

    async def notify(self, method: str, params: Struct) -> None:
        """Send a notification; waits while the client does not read. Raises CallerGone.

        A task that a handler starts last before it returns notifies after the handler's answer,
        unless the request came in a batch.
        """
        if self._closed:
            raise CallerGone
        await self._outbound.send(envelope.notification(method, params))

    def on_close(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Run the callback when the connection ends, in order of registration; now, if it has.

        Return what forgets the callback again: a caller may subscribe and unsubscribe for days.
        """
        number = next(self._numbers)
        if self._closed:
            self._run(callback)
        else:
            self._on_close[number] = callback
        return functools.partial(self._forget, number)

    def close(self) -> None:
        """End the call: the connection's owner says so, once or more often."""
        self._closed = True
        while self._on_close:
            self._run(self._on_close.pop(next(iter(self._on_close))))

    def _forget(self, number: int) -> None:
        self._on_close.pop(number, None)

    @staticmethod
    def _run(callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as error:  # noqa: BLE001 - one consumer's clean-up must not stop another's
            _log.error("a clean-up after a caller failed: %s", type(error).__name__)
