"""What the store keeps of backups, and of who holds a restored card."""

from typing import Protocol

from msgspec import Struct

from peerpost_protocol.frames import BackupFetch


class StoredBackup(Struct, frozen=True):
    """Be an identity's backup without its bulk. `parts` 0: it was destroyed, and its version stays used."""

    version: int
    header: bytes
    lock: bytes
    size: int
    parts: int
    stored_at_ms: int
    card: bytes


class Upload(Struct, frozen=True):
    """Be a backup that is on its way: `parts` of it have come."""

    version: int
    header: bytes
    lock: bytes
    size: int
    parts: int
    card: bytes


class Holder(Struct, frozen=True):
    """Be who holds a card that was restored: the how manyth, and the mark that it chose."""

    number: int
    mark: bytes


class BackupSnapshot(Protocol):
    """Offer what is committed at one moment."""

    def backup(self, identity: str) -> StoredBackup | None:
        """Return an identity's backup, destroyed or not."""

    def backup_upload(self, identity: str) -> Upload | None:
        """Return the backup that an identity is storing."""

    def backup_part(self, identity: str, version: int, index: int) -> bytes | None:
        """Return a part of a bulk."""

    def fetches(self, identity: str, after: int, limit: int) -> list[BackupFetch]:
        """Return the newest fetches with higher numbers, oldest first."""

    def holder(self, card: bytes) -> Holder | None:
        """Return who holds a card, None while it was never restored."""


class BackupTransaction(BackupSnapshot, Protocol):
    """Offer what may be changed."""

    def begin_backup(self, identity: str, upload: Upload) -> None:
        """Put an upload in place of the one that may be there."""

    def add_backup_part(self, identity: str, version: int, index: int, data: bytes) -> None:
        """Store the next part of the upload."""

    def finish_backup(self, identity: str, backup: StoredBackup) -> None:
        """Let the upload take the place of the backup."""

    def set_lock(self, identity: str, lock: bytes) -> None:
        """Replace the backup's lock."""

    def destroy_backup(self, identity: str) -> None:
        """Remove the backup and the upload; the version stays."""

    def add_fetch(self, identity: str, at_ms: int, card: bytes, version: int) -> BackupFetch:
        """Remember a fetch; the oldest give way."""

    def set_holder(self, card: bytes, holder: Holder) -> None:
        """Replace the holder of a card."""
