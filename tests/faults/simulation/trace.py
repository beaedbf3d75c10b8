"""What happened, in its order: the last lines for people, and a digest of all of it."""

import asyncio
from collections import deque
from hashlib import sha256

KEPT_LINES = 400


class Trace:
    """Write down what happens; two runs of one seed have the same digest."""

    def __init__(self, loop: asyncio.AbstractEventLoop, began: float) -> None:
        self._loop = loop
        self._began = began
        self._digest = sha256()
        self.count = 0
        self.last: deque[str] = deque(maxlen=KEPT_LINES)

    @property
    def digest(self) -> str:
        """Return the digest of everything so far."""
        return self._digest.hexdigest()

    def note(self, what: str, payload: bytes = b"") -> None:
        """Add a line; of a payload only the digest is kept."""
        line = f"{clock(self._loop.time() - self._began)} {what}"
        self._digest.update(line.encode())
        self._digest.update(payload)
        self.count += 1
        self.last.append(line)


def clock(seconds: float) -> str:
    """Return virtual seconds as people read them."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    days, hours = divmod(hours, 24)
    return f"{days}d{hours:02}:{minutes:02}:{rest:09.6f}"
