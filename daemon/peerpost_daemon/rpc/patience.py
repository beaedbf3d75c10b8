"""How long a connection may keep its place: with a request that does not get whole, or with nothing at all.

One timer a connection, which looks now and then; what happens in between is only noted, so a request costs no timer.
So a bound is kept to within one look, which is as long as the bound.
"""

import asyncio
import enum
from collections.abc import Callable

from peerpost_daemon.rpc.limits import RpcLimits


class Bound(enum.Enum):
    """What went on for too long."""

    REQUEST = enum.auto()  # a request that was begun and is not whole
    IDLE = enum.auto()  # nothing was asked, and nothing is open


class Patience:
    """Tell `over` once which bound was passed. `busy` says whether the connection has something in work, or open."""

    def __init__(
        self, limits: RpcLimits, busy: Callable[[], bool], over: Callable[[Bound], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._limits = limits
        self._busy = busy
        self._over = over
        self._begun: float | None = None
        self._quiet = self._loop.time()
        self._seconds = min(limits.request_seconds, limits.idle_seconds)
        self._timer = self._loop.call_later(self._seconds, self._look)

    def asked(self) -> None:
        """Note that a request is whole."""
        self._begun = None
        self._quiet = self._loop.time()

    def partial(self, *, is_partial: bool) -> None:
        """Note whether the beginning of a request is here, and the rest could come."""
        if not is_partial:
            self._begun = None
        elif self._begun is None:
            self._begun = self._loop.time()

    def end(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        if self._busy():
            self._quiet = now
        if self._begun is not None and now - self._begun >= self._limits.request_seconds:
            self._over(Bound.REQUEST)
        elif self._begun is None and now - self._quiet >= self._limits.idle_seconds:
            self._over(Bound.IDLE)
        else:
            self._timer = self._loop.call_later(self._seconds, self._look)
