"""The write-ahead log: how long it is, and moving it into the database file."""

from __future__ import annotations

from enum import StrEnum

from peerpost_daemon.vault.connection import SqlConnection


class Checkpoint(StrEnum):
    """How far to go: what is possible now, or everything, and shorten the log to nothing."""

    PASSIVE = "PASSIVE"
    TRUNCATE = "TRUNCATE"


def frames(connection: SqlConnection) -> int:
    """Return how many frames of the log are not yet in the database file.

    SQLite before 3.51 does not know NOOP and takes a passive checkpoint: early, but right.
    """
    _, in_log, moved = connection.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()
    return max(0, int(in_log) - int(moved))


def take_checkpoint(connection: SqlConnection, how: Checkpoint) -> bool:
    """Move the log into the database file; return whether all of it was moved."""
    busy, in_log, moved = connection.execute(f"PRAGMA wal_checkpoint({how.value})").fetchone()
    return not busy and in_log == moved
