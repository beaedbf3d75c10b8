"""Messages and their delivery."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from peerpost.types.files import Attached

Priority = Literal["min", "low", "default", "high", "max"]
Wait = Literal["queued", "sent", "delivered", "read"]
DeliveryStatus = Literal["queued", "sent", "delivered", "read", "failed"]


class Recipient(TypedDict):
    """One card that a message is for; `read` is of its identity, by whichever card.

    Who is no `member` of the channel any more is not waited for.
    """

    identity: str
    card: str
    delivered: bool
    read: bool
    member: bool


class Step(TypedDict):
    """One step in the life of a message."""

    status: DeliveryStatus
    at_ms: int
    reason: str | None


class Reaction(TypedDict):
    """A sign, and who put it to a message."""

    emoji: str
    identities: list[str]


_DeliverySender = TypedDict("_DeliverySender", {"from": NotRequired[str]})


class Delivery(_DeliverySender):
    """How far a message has come; events lack what follows `read_at_ms`, and `from`."""

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
    send_at_ms: NotRequired[int | None]
    answers: NotRequired[list[Message]]


class Piece(TypedDict):
    """A piece of a text; `match`: it is what was searched for."""

    text: str
    match: bool


class Hit(TypedDict):
    """A message that was found, and the part of its text that shows why."""

    message: Message
    snippet: list[Piece]


class Found(TypedDict):
    """What a search has found, the newest first; `complete`: everything was looked at."""

    hits: list[Hit]
    next: str | None
    complete: bool


class ImportedCount(TypedDict):
    """How many messages came in, and how many were there already or cannot be stored."""

    imported: int
    skipped: int


class Kept(TypedDict):
    """What is kept of a channel; null is without a bound."""

    channel: str
    max_age: float | None
    max_count: int | None


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
        "kind": Literal["text", "data", "files"],
        "text": str | None,
        "data": str | None,
        "media_type": str | None,
        "files": list[Attached],
        "reply_to": str | None,
        "sequence": int | None,
        "position": int | None,
        "sent_at_ms": int,
        "received_at_ms": int | None,
        "expires_at_ms": int | None,
        "status": DeliveryStatus | None,
        "thread": str | None,
        "title": str | None,
        "priority": Priority,
        "tags": list[str],
        "mentions": list[str],
        "markdown": bool,
        "expects_reply": bool,
        "answers": str | None,
        "edited_at_ms": int | None,
        "deleted_at_ms": int | None,
        "deleted_by": str | None,
        "imported": bool,
        "reactions": list[Reaction],
    },
)


class Messages(TypedDict):
    """One page of a channel's messages, in ascending order, and the cursors of those beside it."""

    messages: list[Message]
    more: bool
    next: str | None
    previous: str | None
