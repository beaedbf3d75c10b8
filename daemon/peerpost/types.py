"""What the daemon answers, as typed dictionaries: exactly the JSON objects on the wire.

`*_ms` are integer milliseconds since the epoch, UTC; `data` is standard base64; `channel` and
`card` are 64 hexadecimal digits; `message` is a UUID. Imported by type checkers and by those who
name a type, never by the command line.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Wait = Literal["queued", "sent", "delivered", "read"]
DeliveryStatus = Literal["queued", "sent", "delivered", "read", "failed"]
Start = str
"""`start`, `now`, or a time as RFC 3339 writes it; a cursor is an integer."""


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


class Card(TypedDict):
    """One device of an identity, as the relay's directory shows it."""

    card: str
    identity: str
    device: str
    created_at_ms: int
    attestation: str | None
    fingerprint: str
    trusted: bool


class Cards(TypedDict):
    """The cards found."""

    cards: list[Card]


class ContactCard(TypedDict):
    """One card that this daemon knows for a contact."""

    card: str
    device: str
    state: Literal["pinned", "offered"]
    fingerprint: str
    first_seen_ms: int


class Contact(TypedDict):
    """An identity and how far it is trusted."""

    identity: str
    state: Literal["pinned", "verified", "changed", "blocked"]
    cards: list[ContactCard]


class Contacts(TypedDict):
    """All contacts."""

    contacts: list[Contact]


class Member(TypedDict):
    """One member of a channel."""

    identity: str
    role: Literal["owner", "admin", "member"]
    cards: list[str]
    trusted: bool


class Channel(TypedDict):
    """A channel as this daemon has verified it."""

    channel: str
    name: str
    direct: bool
    state: Literal["active", "pending", "left", "removed"]
    members: list[Member]
    position: int | None
    roster_position: int | None
    created_at_ms: int


class Channels(TypedDict):
    """All channels."""

    channels: list[Channel]


class Recipient(TypedDict):
    """One card that a message is for; `read` is of its identity, by whichever card."""

    identity: str
    card: str
    delivered: bool
    read: bool


class Step(TypedDict):
    """One step in the life of a message."""

    status: DeliveryStatus
    at_ms: int
    reason: str | None


class Delivery(TypedDict):
    """How far a sent message has come; events lack `attempts`, `recipients` and `history`."""

    message: str
    channel: str | None
    to: str | None
    status: DeliveryStatus
    reason: str | None
    sequence: int | None
    position: int | None
    queued_at_ms: int
    sent_at_ms: int | None
    delivered_at_ms: int | None
    read_at_ms: int | None
    attempts: NotRequired[int]
    recipients: NotRequired[list[Recipient]]
    history: NotRequired[list[Step]]


class Marked(TypedDict):
    """Up to where a channel is read; `changed`: the others are told."""

    channel: str
    position: int
    changed: bool


Message = TypedDict(
    "Message",
    {
        "message": str,
        "cursor": int,
        "channel": str,
        "channel_name": str,
        "from": str,
        "from_card": str,
        "mine": bool,
        "kind": Literal["text", "data"],
        "text": str | None,
        "data": str | None,
        "media_type": str | None,
        "reply_to": str | None,
        "sequence": int | None,
        "position": int | None,
        "sent_at_ms": int,
        "received_at_ms": int | None,
        "expires_at_ms": int | None,
        "status": DeliveryStatus | None,
    },
)


class Messages(TypedDict):
    """One page of a channel's messages, in ascending order."""

    messages: list[Message]
    more: bool


class Event(TypedDict):
    """Something that happened; `attempt` counts the deliveries of a queue.

    `consumer` is added by the client, so that `ack` and `nack` need no more.
    """

    subscription: int
    cursor: int
    kind: str
    at_ms: int
    attempt: int | None
    data: dict[str, Any]
    consumer: str | None


class Acknowledged(TypedDict):
    """How far a consumer has come."""

    consumer: str
    cursor: int


class Refused(TypedDict):
    """What became of an event that a queue gave back."""

    consumer: str
    cursor: int
    state: Literal["waiting", "dead"]


class DeadLetter(TypedDict):
    """An event that was delivered as often as its consumer allows."""

    cursor: int
    kind: str
    at_ms: int
    attempts: int
    reason: str | None
    data: dict[str, Any]


class DeadLetters(TypedDict):
    """One page of dead letters, oldest first."""

    dead_letters: list[DeadLetter]
    more: bool


class Chosen(TypedDict):
    """How many dead letters were requeued or discarded."""

    consumer: str
    count: int


class Consumer(TypedDict):
    """A named reader of events: what it wants, how far it is, what it holds."""

    consumer: str
    channels: list[str] | None
    kinds: list[str] | None
    window: int
    ack_seconds: float | None
    max_attempts: int | None
    cursor: int
    behind: int
    in_flight: int
    deferred: int
    dead_letters: int
    lost: int
    subscriptions: int
    created_at_ms: int
    acknowledged_at_ms: int | None


class Consumers(TypedDict):
    """All consumers."""

    consumers: list[Consumer]


class Removed(TypedDict):
    """The consumer that is no more."""

    consumer: str
