"""One timer for all connections.

The wheel is a ring of slots, one a tick. Who wants a visit in n ticks is put n slots ahead; each
tick empties one slot. Traffic moves nobody: a connection only notes the tick at which it was
heard, and decides at its visit. The wheel advances one slot a tick however late the tick is, so
a stalled or suspended process does not take its own silence for that of its peers.
"""

import asyncio
import math
from typing import Protocol


class Visited(Protocol):
    """Something that wants to be looked at later."""

    slot: int  # where the wheel holds it; NOWHERE when it does not

    def visit(self) -> None:
        """Do what is due; call `Wheel.place` to be visited again."""


NOWHERE = -1


class Wheel:
    """Visit each placed object after its number of ticks."""

    __slots__ = ("_slots", "_tick_seconds", "_timer", "now")

    def __init__(self, tick_seconds: float, longest_seconds: float) -> None:
        self._tick_seconds = tick_seconds
        self._slots: list[set[Visited]] = [set() for _ in range(self.ticks(longest_seconds) + 1)]
        self._timer: asyncio.TimerHandle | None = None
        self.now = 0

    def ticks(self, seconds: float) -> int:
        """Round a span up to whole ticks, at least one."""
        return max(1, math.ceil(seconds / self._tick_seconds))

    def place(self, visited: Visited, ticks: int) -> None:
        """Visit once after `ticks` (held to the wheel's length) instead of whenever it was due."""
        self.remove(visited)
        ahead = min(max(ticks, 1), len(self._slots) - 1)
        visited.slot = (self.now + ahead) % len(self._slots)
        self._slots[visited.slot].add(visited)

    def remove(self, visited: Visited) -> None:
        """Visit no more."""
        if visited.slot != NOWHERE:
            self._slots[visited.slot].discard(visited)
            visited.slot = NOWHERE

    def advance(self) -> None:
        """Go one tick on and visit whoever is due."""
        self.now += 1
        place = self.now % len(self._slots)
        due, self._slots[place] = self._slots[place], set()
        for visited in due:
            visited.slot = NOWHERE
        for visited in due:
            visited.visit()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Advance every tick from now on, until `stop`."""
        self._timer = loop.call_later(self._tick_seconds, self._turn, loop)

    def stop(self) -> None:
        """Advance no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self.start(loop)
        self.advance()
