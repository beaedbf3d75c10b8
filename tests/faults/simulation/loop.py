"""An event loop whose clock jumps: waiting takes no time, and nothing outside can happen meanwhile."""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

FIRST_SECOND = 1_000.0
MAX_TURNS_A_SECOND = 20_000
SPAN_SECONDS = 600
MAX_TURNS_A_SPAN = 500_000
"""A day of six hosts takes 11,000 at its busiest. What spins too slowly for the bound above comes to this one."""
Delay = Callable[[], float]


class StalledError(Exception):
    """Say that nothing will ever come of waiting: no timer is set, or time does not pass."""


class _Jump(selectors.SelectSelector):
    """Pass the time until the next timer at once. Nobody writes to us from outside."""

    passed = FIRST_SECOND
    _turns = 0
    _second = 0
    _turns_of_span = 0
    _span = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise StalledError("no task is ready and no timer is set")
        self.passed += max(0.0, timeout)
        self._turns += 1
        if int(self.passed) > self._second:
            self._turns, self._second = 0, int(self.passed)
        self._turns_of_span += 1
        if int(self.passed / SPAN_SECONDS) > self._span:
            self._turns_of_span, self._span = 0, int(self.passed / SPAN_SECONDS)
        if self._turns > MAX_TURNS_A_SECOND or self._turns_of_span > MAX_TURNS_A_SPAN:
            self._turns = self._turns_of_span = 0  # the world can still be ended
            raise StalledError("the world turns, and time does not pass")
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Run tasks in virtual time; `work` draws the seconds that a job of a thread takes."""

    def __init__(self, work: Delay) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)
        self._work = work

    def time(self) -> float:
        """Return the virtual seconds."""
        return self._jump.passed

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run the function in the loop, a moment later."""
        future: asyncio.Future[T] = self.create_future()
        self.call_later(self._work(), _work_off, future, func, args)
        return future


def _work_off(future: asyncio.Future[Any], function: Callable[..., Any], args: Any) -> None:
    if future.cancelled():
        return  # as a pool's job that had not begun
    try:
        result = function(*args)
    except Exception as error:  # noqa: BLE001  it is the caller's
        future.set_exception(error)
    else:
        future.set_result(result)
