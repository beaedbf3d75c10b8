"""Words of the public interface that several views use."""

from typing import Final, Literal, get_args

DeliveryStatus = Literal["queued", "sent", "delivered", "read", "failed"]
Priority = Literal["min", "low", "default", "high", "max"]
PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)
"""In their order; on the wire they are 1 to 5."""
