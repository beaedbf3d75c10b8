"""What scripts touch: the Python client and the command line. Standard library only.

Names are imported when they are first asked for, so that `import peerpost` costs next to nothing
and a script that never awaits never pays for asyncio.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing itself costs more than this package
if TYPE_CHECKING:
    from peerpost.async_client import AsyncClient
    from peerpost.client import Client
    from peerpost.errors import (
        ConnectionLostError,
        LockedError,
        NoDaemonError,
        PeerpostError,
        RefusedError,
        TimeoutWaitingError,
        UsageError,
    )

__all__ = [
    "AsyncClient",
    "Client",
    "ConnectionLostError",
    "LockedError",
    "NoDaemonError",
    "PeerpostError",
    "RefusedError",
    "TimeoutWaitingError",
    "UsageError",
]

_PLACES = {"AsyncClient": "peerpost.async_client", "Client": "peerpost.client"}


def __getattr__(name: str) -> object:
    """Import the module that holds a public name (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = _PLACES.get(name, "peerpost.errors")
    value: object = getattr(__import__(module, fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
