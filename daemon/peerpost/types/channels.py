"""Channels and their members."""

from __future__ import annotations

from typing import Literal, TypedDict

Role = Literal["owner", "admin", "member", "reader"]
Least = Literal["admin", "member"]
"""The least role that may do something."""


class Member(TypedDict):
    """One member of a channel."""

    identity: str
    role: Role
    cards: list[str]
    trusted: bool


class Policies(TypedDict):
    """Who may post and add, and for how many seconds messages are kept."""

    post: Least
    add: Least
    expire_after: float | None


class Channel(TypedDict):
    """A channel as this daemon has verified it."""

    channel: str
    name: str
    alias: str | None
    topic: str
    direct: bool
    state: Literal["active", "pending", "left", "removed", "requested", "declined"]
    members: list[Member]
    policies: Policies
    bans: list[str]
    position: int | None
    roster_position: int | None
    created_at_ms: int


class Channels(TypedDict):
    """All channels."""

    channels: list[Channel]


class Request(TypedDict):
    """A channel that somebody has added this daemon to and nobody here has accepted."""

    channel: str
    name: str
    direct: bool
    inviter: str
    members: list[str]
    waiting: int
    bytes: int
    full: bool
    at_ms: int


class Requests(TypedDict):
    """All requests, oldest first."""

    requests: list[Request]


class Declined(TypedDict):
    """What was declined, and whether its inviter is blocked now."""

    channel: str
    inviter: str
    blocked: bool


Consent = Literal["contacts", "anyone", "nobody"]


class Consented(TypedDict):
    """Who may add this daemon unasked."""

    direct: Consent
    groups: Consent
