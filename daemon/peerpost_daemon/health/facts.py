"""Facts: what `daemon.health` shows, and all that its findings follow from.

Ages are in milliseconds of the daemon's clock; a wrong clock makes them wrong and nothing else.
"""

from typing import Literal

from msgspec import Struct

from peerpost_daemon.link.status import LinkState
from peerpost_daemon.records.history import MAX_HISTORY_BYTES


class Link(Struct, frozen=True):
    """Be the link to the relay. `down_ms`: since it was last online; `heard_ago_ms`: since the last bytes."""

    url: str | None
    state: LinkState
    since_ms: int
    down_ms: int | None = None
    last_error: str | None = None
    round_trip_ms: float | None = None
    heard_ago_ms: int | None = None
    clock_skew_ms: float | None = None


class Backlog(Struct, frozen=True):
    """Be what waits for the relay, and what waits for its receivers; ages null when nothing does."""

    queued: int
    queued_bytes: int
    max_queued: int
    max_queued_bytes: int
    oldest_queued_age_ms: int | None
    unacknowledged: int
    oldest_unacknowledged_age_ms: int | None


class Lag(Struct, frozen=True):
    """Be a consumer that somebody should look after."""

    consumer: str
    reason: str
    behind: int
    oldest_age_ms: int | None


class Storage(Struct, frozen=True):
    """Be where the vault lies. `trouble`: what the storage said to the newest write or read.

    `history_bytes`: of all messages' bodies; null without an open vault.
    """

    free_bytes: int | None
    vault_bytes: int
    log_frames: int
    read_only: bool
    trouble: str | None = None
    trouble_detail: str | None = None
    checked_at_ms: int | None = None
    check: Literal["quick", "full"] | None = None
    damage: str | None = None
    history_bytes: int | None = None
    max_history_bytes: int = MAX_HISTORY_BYTES


class AlarmFact(Struct, frozen=True):
    """Be something that happened, how often, and the newest time and detail."""

    change: str
    at_ms: int
    count: int
    detail: str | None


class Facts(Struct, frozen=True):
    """Be everything a finding may follow from; what an open vault alone knows is null or empty without one."""

    state: Literal["no_vault", "locked", "ready"]
    account: str | None
    link: Link
    outbox: Backlog | None
    consumers: tuple[Lag, ...]
    storage: Storage
    faults: int
    alarms: tuple[AlarmFact, ...]
