"""The bell: wakes whoever waits for something new in the vault.

It carries nothing. Who is woken reads the vault from its own cursor, so no queue can fill up, and whoever was busy when
it rang has missed nothing.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Bell:
    """Wake all waiters at once; a ring while nobody waits is remembered by its number only."""

    def __init__(self) -> None:
        self._rings = 0
        self._next: asyncio.Future[None] | None = None
        self._hurried = 0

    @property
    def rings(self) -> int:
        """Return how often the bell has rung: read it before looking, pass it to `wait`."""
        return self._rings

    @property
    def hurried(self) -> bool:
        """Say whether somebody waits for a message to get somewhere: news of it should not be put off."""
        return self._hurried > 0

    @contextmanager
    def hurry(self) -> Iterator[None]:
        """Wait for a message to get somewhere, within this context."""
        self._hurried += 1
        try:
            yield
        finally:
            self._hurried -= 1

    def ring(self) -> None:
        """Wake everybody who waits."""
        self._rings += 1
        if self._next is not None and not self._next.done():
            self._next.set_result(None)
        self._next = None

    async def wait(self, seen: int) -> int:
        """Return once the bell has rung more often than `seen` times; return how often."""
        while self._rings <= seen:
            if self._next is None:
                self._next = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._next)
        return self._rings
