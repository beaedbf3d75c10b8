"""Backups of the account."""

from __future__ import annotations

from typing import Literal, TypedDict


class Backup(TypedDict):
    """A backup that was made."""

    version: int
    bytes: int
    messages: int
    made_at_ms: int
    place: Literal["relay", "file"]
    file: str | None


class BackupFetch(TypedDict):
    """To which card the relay has given a backup, and when."""

    at_ms: int
    card: str
    version: int


class StoredBackup(TypedDict):
    """The relay's backup; version 0: there is none."""

    version: int
    bytes: int
    stored_at_ms: int | None
    card: str | None
    fetches: list[BackupFetch]


class BackupVersion(TypedDict):
    """The version that something was done to."""

    version: int


class Restored(TypedDict):
    """What a backup brought."""

    identity: str
    card: str
    version: int
    made_at_ms: int
    contacts: int
    channels: int
    messages: int
