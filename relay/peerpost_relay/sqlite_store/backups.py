"""Backups and holders in SQLite. The bulk lies in parts, each a row, and is never in memory whole."""

from peerpost_protocol.frames import BackupFetch
from peerpost_protocol.limits import MAX_BACKUP_FETCHES
from peerpost_relay.backup_store import Holder, StoredBackup, Upload
from peerpost_relay.sqlite_store.statements import Statements

_FETCHES = (
    "SELECT number, at_ms, card, version FROM (SELECT * FROM backup_fetches"
    " WHERE identity = ? AND number > ? ORDER BY number DESC LIMIT ?) ORDER BY number"
)
_FORGET_FETCHES = (
    "DELETE FROM backup_fetches WHERE identity = ?1 AND number <= (SELECT number"
    " FROM backup_fetches WHERE identity = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)"
)


class Backups(Statements):
    """Read and write backups."""

    __slots__ = ()

    def backup(self, identity: str) -> StoredBackup | None:
        """Return an identity's backup, destroyed or not."""
        row = self._db.execute(
            "SELECT version, header, lock, size, parts, stored_at_ms, card FROM backups"
            " WHERE identity = ?",
            (identity,),
        ).fetchone()
        return StoredBackup(*row) if row else None

    def backup_upload(self, identity: str) -> Upload | None:
        """Return the backup that an identity is storing."""
        row = self._db.execute(
            "SELECT version, header, lock, size, parts, card FROM backup_uploads WHERE identity = ?",
            (identity,),
        ).fetchone()
        return Upload(*row) if row else None

    def backup_part(self, identity: str, version: int, index: int) -> bytes | None:
        """Return a part of a bulk."""
        row = self._db.execute(
            "SELECT data FROM backup_parts WHERE identity = ? AND version = ? AND part = ?",
            (identity, version, index),
        ).fetchone()
        return row[0] if row else None

    def fetches(self, identity: str, after: int, limit: int) -> list[BackupFetch]:
        """Return the newest fetches with higher numbers, oldest first."""
        return [BackupFetch(*row) for row in self._db.execute(_FETCHES, (identity, after, limit))]

    def holder(self, card: bytes) -> Holder | None:
        """Return who holds a card, None while it was never restored."""
        row = self._db.execute(
            "SELECT number, mark FROM holders WHERE card = ?", (card,)
        ).fetchone()
        return Holder(*row) if row else None

    def begin_backup(self, identity: str, upload: Upload) -> None:
        """Put an upload in place of the one that may be there."""
        self._end_backup_upload(identity)
        self._db.execute(
            "INSERT INTO backup_uploads VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                identity,
                upload.version,
                upload.header,
                upload.lock,
                upload.size,
                upload.parts,
                upload.card,
            ),
        )

    def add_backup_part(self, identity: str, version: int, index: int, data: bytes) -> None:
        """Store the next part of the upload."""
        self._db.execute(
            "INSERT INTO backup_parts (identity, version, part, data) VALUES (?, ?, ?, ?)",
            (identity, version, index, data),
        )
        self._db.execute(
            "UPDATE backup_uploads SET parts = parts + 1 WHERE identity = ?", (identity,)
        )

    def finish_backup(self, identity: str, backup: StoredBackup) -> None:
        """Let the upload take the place of the backup."""
        self._db.execute(
            "DELETE FROM backup_parts WHERE identity = ? AND version <> ?",
            (identity, backup.version),
        )
        self._db.execute("DELETE FROM backup_uploads WHERE identity = ?", (identity,))
        self._db.execute(
            "INSERT OR REPLACE INTO backups VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                identity,
                backup.version,
                backup.header,
                backup.lock,
                backup.size,
                backup.parts,
                backup.stored_at_ms,
                backup.card,
            ),
        )

    def set_lock(self, identity: str, lock: bytes) -> None:
        """Replace the backup's lock."""
        self._db.execute("UPDATE backups SET lock = ? WHERE identity = ?", (lock, identity))

    def destroy_backup(self, identity: str) -> None:
        """Remove the backup and the upload; the version stays."""
        self._end_backup_upload(identity)
        self._db.execute("DELETE FROM backup_parts WHERE identity = ?", (identity,))
        self._db.execute(
            "UPDATE backups SET header = x'', lock = x'', size = 0, parts = 0 WHERE identity = ?",
            (identity,),
        )

    def add_fetch(self, identity: str, at_ms: int, card: bytes, version: int) -> BackupFetch:
        """Remember a fetch; the oldest give way."""
        done = self._db.execute(
            "INSERT INTO backup_fetches (identity, at_ms, card, version) VALUES (?, ?, ?, ?)",
            (identity, at_ms, card, version),
        )
        self._db.execute(_FORGET_FETCHES, (identity, MAX_BACKUP_FETCHES))
        return BackupFetch(int(done.lastrowid or 0), at_ms, card, version)

    def set_holder(self, card: bytes, holder: Holder) -> None:
        """Replace the holder of a card."""
        self._db.execute(
            "INSERT OR REPLACE INTO holders VALUES (?, ?, ?)", (card, holder.number, holder.mark)
        )

    def _end_backup_upload(self, identity: str) -> None:
        upload = self.backup_upload(identity)
        if upload is not None:
            self._db.execute(
                "DELETE FROM backup_parts WHERE identity = ? AND version = ?",
                (identity, upload.version),
            )
            self._db.execute("DELETE FROM backup_uploads WHERE identity = ?", (identity,))
