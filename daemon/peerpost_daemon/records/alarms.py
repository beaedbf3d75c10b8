"""Alarms: what happened to vault or relay that a person should know of, until it is old.

One row for each change, however often it happens: the newest time and detail, and how often.
"""

from msgspec import Struct

from peerpost_daemon import event_data
from peerpost_daemon.records import events
from peerpost_daemon.vault.connection import SqlConnection


class Alarm(Struct, frozen=True):
    """Be a change of which people are told."""

    change: str
    at_ms: int
    count: int
    detail: str | None


def sound(
    db: SqlConnection, change: str, detail: str | None, now_ms: int, channel: bytes | None = None
) -> None:
    """Tell of a change by an event, and keep it for `daemon.health`."""
    data = event_data.DaemonData(change, detail)
    events.add(db, event_data.DAEMON, now_ms, data, channel=channel)
    db.execute(
        "INSERT INTO alarm VALUES (?, ?, 1, ?) ON CONFLICT (change) DO UPDATE SET "
        "at_ms = excluded.at_ms, detail = excluded.detail, count = count + 1",
        (change, now_ms, detail),
    )


def everything(db: SqlConnection) -> list[Alarm]:
    """Return all alarms, by their change."""
    rows = db.execute("SELECT change, at_ms, count, detail FROM alarm ORDER BY change").fetchall()
    return [Alarm(*row) for row in rows]


def silence(db: SqlConnection, before_ms: int) -> None:
    """Forget the alarms that were last sounded before a time."""
    db.execute("DELETE FROM alarm WHERE at_ms < ?", (before_ms,))
