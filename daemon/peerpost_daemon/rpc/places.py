"""The places of clients: so many at once, so many for one user, some for the daemon's own user alone."""

from collections import Counter
from typing import Final

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.rpc.call import Caller
from peerpost_daemon.rpc.limits import RpcLimits

_RETRY: Final = 5.0  # seconds
_STRANGERS: Final = -1  # no user has this number


class Places:
    """Count who is there. A client counts until it is gone, refused or not, so that none can pile up."""

    def __init__(self, limits: RpcLimits) -> None:
        self._limits = limits
        self._taken: Counter[int] = Counter()

    def take(self, caller: Caller) -> None:
        """Count a client."""
        self._taken[_user(caller)] += 1

    def leave(self, caller: Caller) -> None:
        """Count it no more."""
        user = _user(caller)
        self._taken[user] -= 1
        if not self._taken[user]:
            del self._taken[user]

    def missing(self, caller: Caller) -> DaemonError | None:
        """Return why there is no place for another client of this caller, None when there is one."""
        limits, total = self._limits, self._taken.total()
        if not caller.accounts and self._taken[_STRANGERS] >= limits.max_strangers:
            return _full(f"{limits.max_strangers} connections of strangers are open already.")
        if not caller.owns:
            total += limits.reserved_clients
            if self._taken[_user(caller)] >= limits.max_clients_of_user:
                return _full(f"{limits.max_clients_of_user} connections of this user are open.")
        if total >= limits.max_clients:
            return _full(f"{limits.max_clients} connections are open already.")
        return None


def _user(caller: Caller) -> int:
    return caller.peer.uid if caller.accounts else _STRANGERS


def _full(message: str) -> DaemonError:
    return DaemonError("too_many_requests", message, retry_after=_RETRY)
