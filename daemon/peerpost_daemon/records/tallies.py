"""Tallies: how much waits and how much there is, kept by the vault's own triggers.

Reading one costs the same with ten rows and with a million.
"""

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection


class Tally(Struct, frozen=True):
    """Be a number of rows and the bytes of their bodies."""

    count: int
    bytes: int


class Backlog(Struct, frozen=True):
    """Be what waits for the relay (`queued`) and for its receivers (`sent`), and since when.

    The times are those at which the oldest of each was queued, None when there is none.
    """

    queued: Tally
    sent: Tally
    oldest_queued_ms: int | None
    oldest_sent_ms: int | None


def queued(db: SqlConnection) -> Tally:
    """Return what waits for the relay, sealed or not."""
    return _tally(db, "queued")


def sent(db: SqlConnection) -> Tally:
    """Return what waits for its receivers."""
    return _tally(db, "sent")


def messages(db: SqlConnection) -> int:
    """Return how many messages are stored."""
    return _tally(db, "message").count


def history(db: SqlConnection) -> Tally:
    """Return how many messages are stored, and the bytes of their bodies."""
    return _tally(db, "message")


def touch(db: SqlConnection) -> None:
    """Change nothing, but write: the commit shows whether the disk takes it."""
    db.execute("UPDATE tally SET count = count")


def backlog(db: SqlConnection) -> Backlog:
    """Return what waits, and since when."""
    return Backlog(
        queued(db),
        sent(db),
        _oldest(db, "state IN ('queued', 'sealed') AND not_before_ms IS NULL"),
        _oldest(db, "state = 'sent'"),
    )


def _tally(db: SqlConnection, name: str) -> Tally:
    row = db.execute("SELECT count, bytes FROM tally WHERE name = ?", (name,)).fetchone()
    return Tally(*row)


def _oldest(db: SqlConnection, where: str) -> int | None:
    row = db.execute(
        f"SELECT queued_at_ms FROM outbox WHERE {where} ORDER BY number LIMIT 1"  # noqa: S608
    ).fetchone()  # two constant conditions, each that of a partial index
    return int(row[0]) if row else None
