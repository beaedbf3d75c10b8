"""How long to wait between tries to reach the daemon again."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_DELAY = 0.1  # seconds
LONGEST_DELAY = 10.0  # seconds


def delays() -> Iterator[float]:
    """Yield seconds without end: doubling up to LONGEST_DELAY, each cut by up to a half.

    The chance spreads the listeners that one restart of the daemon has thrown off.
    """
    delay = FIRST_DELAY
    while True:
        chance = os.urandom(1)[0] / 255  # `random` costs start-up time
        yield delay * (0.5 + 0.5 * chance)
        delay = min(delay * 2, LONGEST_DELAY)
