"""What the relay may refuse, and what may fail in it.

    RelayError                base; never raised itself
    ├── RefusalError          a peer asked for what it may not have now; `kind` goes onto the wire
    ├── StoreError            the store failed; nothing of the transaction was kept
    │   └── StoreFullError    there is no room on the disk; comes right when there is
    └── SetupError            the relay cannot start as it was asked to (the operator's to mend)
        └── ConfigurationError    a setting is wrong; it does not become right by itself

No message holds a token, a key or the content of a frame.
"""

import logging

from peerpost_protocol.errors import (
    HistoryError,
    MalformedError,
    ProtocolError,
    RosterError,
    TooLargeError,
)
from peerpost_protocol.refusals import Refusal

log = logging.getLogger(__name__)


class RelayError(Exception):
    """Be the base of the relay's own errors."""


class RefusalError(RelayError):
    """Refuse a request for a reason that the peer's program can read."""

    def __init__(
        self,
        kind: Refusal,
        detail: str,
        *,
        field: str | None = None,
        subject: bytes | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(f"{detail} [{kind}]")
        self.kind = kind
        self.detail = detail
        self.field = field
        self.subject = subject
        self.retry_after_ms = retry_after_ms


class StoreError(RelayError):
    """Say that the store failed and kept nothing of what it was given."""

    kind = Refusal.STORAGE_FAILED


class StoreFullError(StoreError):
    """Say that the disk is full."""

    kind = Refusal.STORAGE_FULL


class SetupError(RelayError):
    """Say why the relay cannot start."""


class ConfigurationError(SetupError):
    """Name the setting that is wrong, and say what would be right."""


def fault(error: Exception) -> RefusalError:
    """Return the refusal for a mistake of ours, and log it: one frame must not end the relay."""
    log.error("a request failed", exc_info=error)
    return RefusalError(Refusal.STORAGE_FAILED, "the relay failed to do this")


def refusal_of(error: ProtocolError) -> RefusalError:
    """Return the refusal that says what the protocol found wrong."""
    if isinstance(error, RosterError):
        return RefusalError(_roster_refusal(error.kind), error.detail, field=error.field)
    if isinstance(error, HistoryError):
        return RefusalError(Refusal(error.kind), error.detail, field=error.field)
    if isinstance(error, TooLargeError) or error.kind == "too_large":
        return RefusalError(Refusal.TOO_LARGE, error.detail, field=error.field)
    malformed = isinstance(error, MalformedError)
    kind = Refusal.MALFORMED if malformed else Refusal.BAD_SIGNATURE
    return RefusalError(kind, error.detail, field=error.field)


def _roster_refusal(kind: str) -> Refusal:
    try:
        return Refusal(kind)
    except ValueError:  # `roster_gap` has no reason of its own on the wire
        return Refusal.ROSTER_CONFLICT
