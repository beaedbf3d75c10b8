"""Token buckets over a monotonic clock: a bucket holds what may come at once, and fills at its rate.

What a bucket lacks decides after how many seconds to come back.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

BUCKETS_MAX = 65_536  # that are remembered of one kind; the one unused longest is forgotten


class Bucket:
    """Hold at most `burst` tokens, filled at `rate` a second. `now` in seconds, monotonic."""

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at = now

    def lacks(self, tokens: float, now: float) -> float:
        """Return after how many seconds so many tokens are there; more than `burst` wait for all of it."""
        self._level = min(self._burst, self._level + max(0.0, now - self._at) * self._rate)
        self._at = now
        return max(0.0, (min(tokens, self._burst) - self._level) / self._rate)

    def take(self, tokens: float) -> None:
        """Take tokens; the level may go below nothing, and what comes later waits for that."""
        self._level -= tokens


class Buckets(Generic[K]):
    """Hold the buckets of many, all with one rate and one burst."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: dict[K, Bucket] = {}

    def of(self, key: K, now: float) -> Bucket:
        """Return a bucket, a full one for who was not heard of lately."""
        found = self._buckets.pop(key, None)
        if found is None:
            found = Bucket(self._rate, self._burst, now)
            if len(self._buckets) >= BUCKETS_MAX:
                del self._buckets[next(iter(self._buckets))]
        self._buckets[key] = found  # the newest stands last
        return found
