"""Backups as they are shown."""

from typing import Literal

from msgspec import Struct

from peerpost_protocol.backup import Manifest
from peerpost_protocol.card import open_card
from peerpost_protocol.frames import BackupShown


class Backup(Struct, frozen=True):
    """Show a backup that was made; `bytes` with everything, sealed."""

    version: int
    bytes: int
    messages: int
    made_at_ms: int
    place: Literal["relay", "file"]
    file: str | None


class BackupFetch(Struct, frozen=True):
    """Show to which card the relay has given a backup, and when."""

    at_ms: int
    card: str
    version: int


class StoredBackup(Struct, frozen=True):
    """Show the relay's backup; version 0: there is none."""

    version: int
    bytes: int
    stored_at_ms: int | None
    card: str | None
    fetches: list[BackupFetch]


class BackupVersion(Struct, frozen=True):
    """Name the version that something was done to."""

    version: int


class Restored(Struct, frozen=True):
    """Show what a backup brought."""

    identity: str
    card: str
    version: int
    made_at_ms: int
    contacts: int
    channels: int
    messages: int


def stored_backup(shown: BackupShown) -> StoredBackup:
    """Return what the relay has shown."""
    return StoredBackup(
        shown.version,
        shown.size,
        shown.stored_at_ms if shown.version else None,
        shown.card.hex() if shown.card else None,
        [BackupFetch(one.at_ms, one.card.hex(), one.version) for one in shown.fetches],
    )


def restored(manifest: Manifest, contacts: int, channels: int, messages: int) -> Restored:
    """Return what a backup with this manifest brought."""
    card = open_card(manifest.device.card).id.hex()
    made = (manifest.version, manifest.made_at_ms)
    return Restored(manifest.identity, card, *made, contacts, channels, messages)
