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
    topic: str
    direct: bool
    state: Literal["active", "pending", "left", "removed"]
    members: list[Member]
    policies: Policies
    bans: list[str]
    position: int | None
    roster_position: int | None
    created_at_ms: int


class Channels(TypedDict):
    """All channels."""

    channels: list[Channel]
