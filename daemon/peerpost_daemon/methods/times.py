"""Times that callers give, as RFC 3339 writes them."""

import math
from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta

from peerpost_daemon.errors import DaemonError
from peerpost_protocol.limits import MAX_COUNTER

MAX_TIME_CHARACTERS: Final = 40
TimeParam = Annotated[str, Meta(max_length=MAX_TIME_CHARACTERS, description="a time, RFC 3339")]


def time_ms(text: str, field: str) -> int:
    """Return the ms since the epoch of a time; raise DaemonError invalid_params."""
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            found = math.floor(time.timestamp() * 1000)
            if 0 <= found <= MAX_COUNTER:
                return found
    except (ValueError, OverflowError):
        pass
    message = f"{field} is a time such as 2026-11-22T15:00:00Z."
    raise DaemonError("invalid_params", message, field=field)
