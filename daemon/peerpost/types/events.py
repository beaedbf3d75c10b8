"""Events, queues and consumers."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

Start = str
"""`start`, `now`, or a time as RFC 3339 writes it; a cursor is an integer."""


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
