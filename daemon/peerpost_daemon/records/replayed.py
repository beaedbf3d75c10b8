"""Histories that were decoded last, within a bound in bytes; for several threads.

Attacker: members with histories of a thousand entries, a megabyte each in memory. What is remembered is bounded by its
size and not by its number: thousands of honest histories fit where some dozens of theirs do.
"""

from collections import OrderedDict
from threading import Lock

from peerpost_protocol.history import History


class Replayed:
    """Remember histories by their heads, which name all that came before."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._histories: OrderedDict[bytes, tuple[History, int]] = OrderedDict()
        self._lock = Lock()
        self.bytes = 0

    def find(self, head: bytes) -> History | None:
        """Return a history that is remembered."""
        with self._lock:
            found = self._histories.get(head)
            if found is None:
                return None
            self._histories.move_to_end(head)
            return found[0]

    def keep(self, head: bytes, history: History, size: int) -> None:
        """Remember a history of so many stored bytes; those that were asked for longest ago give way."""
        with self._lock:
            self.bytes += size - self._histories.pop(head, (None, 0))[1]
            self._histories[head] = (history, size)
            while self.bytes > self._max_bytes:
                self.bytes -= self._histories.popitem(last=False)[1][1]
