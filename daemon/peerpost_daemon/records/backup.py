"""What this vault knows of the account's backups, and which holder of its card it is."""

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.limits import MAX_BACKUP_LEAP


class BackupState(Struct, frozen=True):
    """Be the newest version known, and the newest one given to the relay with its data key; shows no key."""

    version: int
    stored: int
    header: bytes | None
    key: bytes | None
    made_at_ms: int | None
    last_fetch: int

    def __repr__(self) -> str:
        return f"<BackupState {self.version}>"


class Holder(Struct, frozen=True):
    """Be the how manyth holder of a restored card this vault is, and the mark that it chose."""

    number: int
    mark: bytes


def state(db: SqlConnection) -> BackupState:
    """Return what is known."""
    row = db.execute(
        "SELECT version, stored, header, key, made_at_ms, last_fetch FROM backup"
    ).fetchone()
    return BackupState(*row)


def next_version(db: SqlConnection) -> int:
    """Return a version that no backup has, and use it up."""
    (version,) = db.execute("UPDATE backup SET version = version + 1 RETURNING version").fetchone()
    return int(version)


def known(db: SqlConnection, version: int) -> None:
    """Note that there is a version; none before it is made any more.

    A relay that names the highest of all would end our count: we follow it by MAX_BACKUP_LEAP at a time.
    """
    db.execute(
        "UPDATE backup SET version = max(version, min(?, version + ?))", (version, MAX_BACKUP_LEAP)
    )


def stored(db: SqlConnection, version: int, header: bytes, key: bytes, now_ms: int) -> None:
    """Note that the relay has a version of ours."""
    db.execute(
        "UPDATE backup SET stored = ?, header = ?, key = ?, made_at_ms = ?",
        (version, header, key, now_ms),
    )


def destroyed(db: SqlConnection) -> None:
    """Note that the relay has no backup any more; forget its key."""
    db.execute("UPDATE backup SET stored = 0, header = NULL, key = NULL, made_at_ms = NULL")


def told(db: SqlConnection, fetch: int) -> bool:
    """Note a fetch by its number; return whether it is news."""
    row = db.execute(
        "UPDATE backup SET last_fetch = ?1 WHERE last_fetch < ?1 RETURNING 1", (fetch,)
    ).fetchone()
    return row is not None


def forget_fetches(db: SqlConnection) -> None:
    """Begin to count anew: the relay has another store."""
    db.execute("UPDATE backup SET last_fetch = 0")


def holder(db: SqlConnection) -> Holder | None:
    """Return which holder this vault is, None when its card was made here."""
    row = db.execute("SELECT number, mark FROM holder").fetchone()
    return Holder(*row) if row else None


def set_holder(db: SqlConnection, holder: Holder) -> None:
    """Store which holder this vault is."""
    db.execute("INSERT INTO holder VALUES (1, ?, ?)", (holder.number, holder.mark))
