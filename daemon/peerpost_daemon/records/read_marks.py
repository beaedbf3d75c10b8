"""Read marks: up to which position of a channel the people behind an identity have read, ours included."""

from peerpost_daemon.vault.connection import SqlConnection


def note(
    db: SqlConnection, channel: bytes, identity: str, position: int, now_ms: int
) -> int | None:
    """Move an identity's mark forward; return where it was, None when it is no news."""
    before = position_of(db, channel, identity)
    if position <= before:
        return None
    db.execute(
        "INSERT OR REPLACE INTO read_mark (channel, identity, position, at_ms) VALUES (?, ?, ?, ?)",
        (channel, identity, position, now_ms),
    )
    return before


def position_of(db: SqlConnection, channel: bytes, identity: str) -> int:
    """Return an identity's mark, 0 when there is none."""
    row = db.execute(
        "SELECT position FROM read_mark WHERE channel = ? AND identity = ?", (channel, identity)
    ).fetchone()
    return int(row[0]) if row else 0


def read_at_ms(
    db: SqlConnection, channel: bytes | None, identity: str, position: int | None
) -> int | None:
    """Return by when an identity had read a position of a channel, None if it has not."""
    row = db.execute(
        "SELECT at_ms FROM read_mark WHERE channel = ? AND identity = ? AND position >= ?",
        (channel, identity, position),
    ).fetchone()
    return int(row[0]) if row else None


def positions(db: SqlConnection, channel: bytes) -> dict[str, int]:
    """Return the marks of a channel by identity."""
    rows = db.execute("SELECT identity, position FROM read_mark WHERE channel = ?", (channel,))
    return dict(rows.fetchall())
