"""The daemon: its state, its health, its findings."""

from __future__ import annotations

from typing import Literal, TypedDict


class Account(TypedDict):
    """The identity and device of this daemon."""

    identity: str
    device: str
    card: str
    fingerprint: str
    relay: str | None
    state: Literal["pending", "registered", "refused"]
    reason: str | None
    attestation: str | None
    created_at_ms: int


class Relay(TypedDict):
    """How the link to the relay is doing."""

    url: str | None
    state: Literal["off", "connecting", "online", "waiting"]
    since_ms: int
    last_error: str | None
    retry_in_ms: int | None
    round_trip_ms: float | None
    clock_skew_ms: float | None


class Outbox(TypedDict):
    """What the relay still has to get or to confirm."""

    queued: int
    unacknowledged: int


class Status(TypedDict):
    """How the daemon is doing."""

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


class Finding(TypedDict):
    """Something that is not as it should be, and what to do."""

    kind: str
    severity: Literal["error", "warning"]
    detail: str
    fix: str


class HealthLink(TypedDict):
    """How the link to the relay is, and when the relay was last heard."""

    url: str | None
    state: Literal["off", "connecting", "online", "waiting", "refused"]
    since_ms: int
    down_ms: int | None
    last_error: str | None
    round_trip_ms: float | None
    heard_ago_ms: int | None
    clock_skew_ms: float | None


class Backlog(TypedDict):
    """What waits for the relay and for its receivers, and for how long."""

    queued: int
    queued_bytes: int
    max_queued: int
    max_queued_bytes: int
    oldest_queued_age_ms: int | None
    unacknowledged: int
    oldest_unacknowledged_age_ms: int | None


class Lag(TypedDict):
    """A consumer that somebody should look after."""

    consumer: str
    reason: str
    behind: int
    oldest_age_ms: int | None


class Storage(TypedDict):
    """How the vault's disk and database are."""

    free_bytes: int | None
    vault_bytes: int
    log_frames: int
    read_only: bool
    trouble: str | None
    trouble_detail: str | None
    checked_at_ms: int | None
    check: Literal["quick", "full"] | None
    damage: str | None
    history_bytes: int | None
    max_history_bytes: int


class Alarm(TypedDict):
    """Something that happened, the newest time, and how often."""

    change: str
    at_ms: int
    count: int
    detail: str | None


class Health(TypedDict):
    """What is not as it should be, and the facts that it follows from."""

    well: bool
    state: Literal["no_vault", "locked", "ready"]
    version: str
    schema: int | None
    at_ms: int
    account: Literal["pending", "registered", "refused"] | None
    link: HealthLink
    outbox: Backlog | None
    consumers: list[Lag]
    storage: Storage
    faults: int
    alarms: list[Alarm]
    findings: list[Finding]


class Check(TypedDict):
    """What the doctor looked at, and what to do when it is not well."""

    check: str
    result: Literal["ok", "warning", "error", "skipped"]
    detail: str
    fix: str | None


class Diagnosis(TypedDict):
    """Every check of the doctor, and the findings of `daemon.health`."""

    well: bool
    checks: list[Check]
    findings: list[Finding]


class Stopping(TypedDict):
    """The daemon is on its way out."""

    stopping: bool
