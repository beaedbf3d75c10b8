"""How long to wait before the next try: exponential, with full jitter.

Full jitter spreads the daemons that one restart of a relay has thrown off; the first delay is long enough to do so for
hundreds of them, and short enough that one daemon alone is back within a second.
Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from collections.abc import Callable

from peerpost_daemon.link.actions import Ending
from peerpost_daemon.link.settings import LinkSettings


class Backoff:
    """Count failed tries. `jitter` returns a number from 0 up to 1."""

    def __init__(self, settings: LinkSettings, jitter: Callable[[], float]) -> None:
        self._settings = settings
        self._jitter = jitter
        self._ceiling = settings.first_delay

    def reset(self) -> None:
        """Begin again with the shortest delay."""
        self._ceiling = self._settings.first_delay

    def lasted(self, seconds: float) -> None:
        """Begin again after a session that was online at least as long as the next delay may be.

        A path that fails every few seconds so costs no more time than it gives, and a relay that
        ends every session at once is still asked ever more rarely.
        """
        if seconds >= min(self._ceiling, self._settings.steady_seconds):
            self.reset()

    def delay(self, ending: Ending) -> float:
        """Return the seconds to wait after this ending; the next delay may be twice as long."""
        longest = self._settings.longest_delay
        if not ending.come_back:
            self._ceiling = longest
        asked = min((ending.retry_after_ms or 0) / 1000, self._settings.longest_retry_after)
        delay = asked + self._jitter() * self._ceiling
        self._ceiling = min(self._ceiling * 2, longest)
        return delay
