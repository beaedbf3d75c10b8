"""Retention: what this daemon keeps of a channel, by age and by number."""

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection


class Retention(Struct, frozen=True):
    """Be what is kept of a channel; null is without a bound."""

    channel: bytes
    max_age_ms: int | None
    max_count: int | None


def put(db: SqlConnection, kept: Retention) -> None:
    """Set what is kept of a channel."""
    if kept.max_age_ms is None and kept.max_count is None:
        db.execute("DELETE FROM retention WHERE channel = ?", (kept.channel,))
        return
    db.execute(
        "INSERT OR REPLACE INTO retention (channel, max_age_ms, max_count) VALUES (?, ?, ?)",
        (kept.channel, kept.max_age_ms, kept.max_count),
    )


def of(db: SqlConnection, channel: bytes) -> Retention:
    """Return what is kept of a channel."""
    row = db.execute(
        "SELECT channel, max_age_ms, max_count FROM retention WHERE channel = ?", (channel,)
    ).fetchone()
    return Retention(*row) if row else Retention(channel, None, None)


def everything(db: SqlConnection) -> list[Retention]:
    """Return what is kept of all channels that have a bound."""
    rows = db.execute("SELECT channel, max_age_ms, max_count FROM retention").fetchall()
    return [Retention(*row) for row in rows]
