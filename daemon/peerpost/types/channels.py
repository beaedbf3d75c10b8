"""Channels and their members."""

from __future__ import annotations

from typing import Literal, TypedDict


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
