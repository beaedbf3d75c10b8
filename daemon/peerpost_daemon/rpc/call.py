"""What a handler knows of its caller."""

import functools
import itertools
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Protocol

from msgspec import Struct

from peerpost_daemon.errors import CallerGone, DaemonError
from peerpost_daemon.rpc import envelope
from peerpost_daemon.rpc.rights import EVERYTHING, NOTHING, Rights

ROOT: Final = 0
MAIN: Final = "main"  # the account that the settings themselves describe
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
    accounts: Mapping[str, Rights]  # by name; those of which it has nothing are left out

    @classmethod
    def of(cls, peer: Peer, rights: Rights) -> "Caller":
        """Return a caller of the one account that there is."""
        return cls(peer, {MAIN: rights} if rights.scopes else {})

    @property
    def owns(self) -> bool:
        """Tell whether it is the daemon's own user, or root."""
        return any(rights is EVERYTHING for rights in self.accounts.values())


def own_user_alone(peer: Peer) -> Caller:
    """Let the daemon's own user and root do everything, nobody else anything: what holds without any table."""
    return Caller.of(peer, EVERYTHING if peer.uid in (os.geteuid(), ROOT) else NOTHING)


class Outbound(Protocol):
    """Where lines to the client go."""

    async def send(self, line: bytes) -> None:
        """Hand over a line (without newline) once there is room; raises CallerGone."""


class Call:
    """Speak with the client of one connection about one account; all its requests of that account share one Call.

    ``state`` is the handlers' own and lives as long as the connection.
    """

    def __init__(
        self,
        caller: Caller,
        outbound: Outbound,
        account: str = MAIN,
        ids: Iterator[int] | None = None,
    ) -> None:
        self.peer = caller.peer
        self.account = account
        self.rights = caller.accounts[account]
        self.ids = itertools.count(1) if ids is None else ids  # no two of a connection are the same
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


class Calls:
    """The calls of one connection: one for each account that its requests name."""

    def __init__(self, caller: Caller, outbound: Outbound) -> None:
        self.caller = caller
        self._outbound = outbound
        self._ids = itertools.count(1)
        self._calls: dict[str, Call] = {}
        self._closed = False

    @property
    def holds(self) -> bool:
        """Tell whether something of the caller's ends with the connection; see Call."""
        return any(call.holds for call in self._calls.values())

    def of(self, account: str | None) -> Call:
        """Return the call of an account, without a name of the caller's only one, or the main one.

        Raises DaemonError forbidden: the account is not this caller's, or is not there.
        """
        name = self._meant() if account is None else account
        found = self._calls.get(name)
        if found is None:
            if name not in self.caller.accounts:
                message = "This caller may do nothing with that account."
                raise DaemonError("forbidden", message, field="account")
            found = self._calls[name] = Call(self.caller, self._outbound, name, self._ids)
            if self._closed:
                found.close()
        return found

    def close(self) -> None:
        """End all of them."""
        self._closed = True
        for call in self._calls.values():
            call.close()

    def _meant(self) -> str:
        accounts = self.caller.accounts
        if MAIN in accounts or len(accounts) != 1:
            return MAIN
        return next(iter(accounts))
