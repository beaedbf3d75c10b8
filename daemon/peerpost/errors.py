"""The errors of the client, by what a caller can do about them.

    PeerpostError             the daemon answered with an error           exit code 1
    ├── UsageError            the caller asked for something impossible   2
    ├── NoDaemonError         nobody answers on the socket                3
    │   └── ConnectionLostError   the daemon went away; the outcome is unknown
    ├── LockedError           the vault is locked or does not exist       4
    ├── TimeoutWaitingError   what was waited for did not happen in time  5
    └── RefusedError          policy or access says no                    6

`kind` is the daemon's word for the error (docs/rpc), or one of the client's own: `usage`,
`no_daemon`, `connection_lost`, `bad_answer`, `too_large`, `timeout`, `output_failed`,
`delivery_failed`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class PeerpostError(Exception):
    """Say what failed: `kind` for programs, `message` for people, `data` for details."""

    exit_code = 1

    def __init__(self, kind: str, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(kind, message, data)
        self.kind = kind
        self.message = message
        self.data = {} if data is None else data

    def __str__(self) -> str:
        return self.message

    @property
    def retry_after(self) -> float | None:
        """Return the seconds to wait before another try, where the daemon named them."""
        seconds = self.data.get("retry_after")
        return float(seconds) if isinstance(seconds, (int, float)) else None


class UsageError(PeerpostError):
    """The request itself is wrong; the same request will never succeed."""

    exit_code = 2


class NoDaemonError(PeerpostError):
    """No daemon answers on the socket."""

    exit_code = 3


class ConnectionLostError(NoDaemonError):
    """The connection ended before the answer: the request may or may not have been done."""


class LockedError(PeerpostError):
    """The vault has to be unlocked, or made, first."""

    exit_code = 4


class TimeoutWaitingError(PeerpostError):
    """What was waited for has not happened yet; it may still happen."""

    exit_code = 5


class RefusedError(PeerpostError):
    """A policy or an access rule, here or at the relay, says no."""

    exit_code = 6


CLASSES: dict[str, type[PeerpostError]] = {
    "usage": UsageError,
    "invalid_request": UsageError,
    "invalid_params": UsageError,
    "method_not_found": UsageError,
    "too_large": UsageError,
    "no_daemon": NoDaemonError,
    "shutting_down": NoDaemonError,
    "connection_lost": ConnectionLostError,
    "locked": LockedError,
    "no_vault": LockedError,
    "timeout": TimeoutWaitingError,
    "forbidden": RefusedError,
    "not_a_member": RefusedError,
    "not_an_admin": RefusedError,
    "may_not_post": RefusedError,
    "banned": RefusedError,
    "not_accepted": RefusedError,
    "untrusted_contact": RefusedError,
    "identity_taken": RefusedError,
    "wrong_contact_state": RefusedError,
    "safety_number_differs": RefusedError,
    "relay_refused": RefusedError,
    "token_refused": RefusedError,
    "relay_key_changed": RefusedError,
}


def error_of(kind: str, message: str, data: dict[str, Any] | None = None) -> PeerpostError:
    """Return the error whose class fits the kind; an unknown kind is a plain PeerpostError."""
    return CLASSES.get(kind, PeerpostError)(kind, message, data)
