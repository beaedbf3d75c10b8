"""Ask the relay: one typed answer to one request, and link errors as the errors of the public interface."""

from collections.abc import Awaitable
from typing import Protocol, TypeVar

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link.errors import LinkError, RefusedError
from peerpost_daemon.link.requests import AnswerFrame, RequestFrame

T = TypeVar("T")

UNREACHABLE_RETRY_SECONDS = 5.0

_SAME_KIND = frozenset({"not_a_member", "not_an_admin", "banned", "unknown_channel", "too_large"})


class Relay(Protocol):
    """Be what asking needs of the link."""

    def request(self, frame: RequestFrame) -> Awaitable[AnswerFrame]:
        """Return the answer; raise LinkError."""
        ...


async def ask(relay: Relay, frame: RequestFrame, answer: type[T]) -> T:
    """Return the answer to a request; raise LinkError, RelayFault as `malformed` included."""
    got = await relay.request(frame)
    if not isinstance(got, answer):
        raise LinkError("malformed", f"the relay answered with {type(got).__name__}")
    return got


def public(error: LinkError) -> DaemonError:
    """Return a link error as callers of the daemon know it."""
    if not isinstance(error, RefusedError):
        return DaemonError(
            "relay_unreachable",
            f"The relay cannot be asked now: {error.detail}.",
            retry_after=UNREACHABLE_RETRY_SECONDS,
        )
    if error.kind in _SAME_KIND:
        return DaemonError(error.kind, f"The relay refused: {error.detail}.")
    retry_after = error.retry_after_ms / 1000 if error.retry_after_ms else None
    return DaemonError(
        "relay_refused",
        f"The relay refused: {error.detail}.",
        retry_after=retry_after,
        extra={"reason": error.kind},
    )
