"""How the daemon is doing."""

from typing import Literal

from msgspec import Struct

from peerpost_daemon.link.status import LinkState, LinkStatus
from peerpost_daemon.views.account import Account


class Relay(Struct, frozen=True):
    """Show the link to the relay; `refused` is a link that does not try again by itself."""

    url: str | None
    state: LinkState
    since_ms: int
    last_error: str | None
    retry_in_ms: int | None
    round_trip_ms: float | None
    clock_skew_ms: float | None


class Outbox(Struct, frozen=True):
    """Show how many messages wait for the relay, and how many for their receivers."""

    queued: int
    unacknowledged: int


class Status(Struct, frozen=True):
    """Show the daemon, its vault and its link; the counts are 0 while the vault is closed."""

    state: Literal["no_vault", "locked", "ready"]
    version: str
    pid: int
    started_at_ms: int
    socket: str
    account: Account | None
    relay: Relay
    outbox: Outbox
    channels: int
    messages: int


def relay(status: LinkStatus | None, url: str | None, since_ms: int) -> Relay:
    """Return the link's state; without a link it is off, since `since_ms`."""
    if status is None:
        return Relay(url, LinkState.OFF, since_ms, None, None, None, None)
    fault = status.last_error
    return Relay(
        status.url or url,
        status.state,
        status.since_ms,
        fault.detail if fault else None,
        status.retry_in_ms,
        status.round_trip_ms,
        status.clock_skew_ms,
    )
