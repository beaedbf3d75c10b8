"""Blobs in SQLite: what they are and for whom; their bytes are files."""

from collections.abc import Sequence
from typing import Any

from peerpost_relay.sqlite_store.statements import Statements
from peerpost_relay.store import BlobUsage, StoredBlob

_COLUMNS = "number, blob, name, channel, card, identity, size, expires_at_ms, durable"
_SELECT = f"SELECT {_COLUMNS} FROM blobs"  # noqa: S608  constant columns
_USED = "SELECT coalesce((SELECT bytes FROM blob_usage WHERE scope = ? AND subject = ?), 0)"
_USE = (
    "INSERT INTO blob_usage VALUES (?, ?, ?)"
    " ON CONFLICT (scope, subject) DO UPDATE SET bytes = bytes + excluded.bytes"
)


class Blobs(Statements):
    """Read and write blobs and what they count for."""

    __slots__ = ()

    def blob(self, channel: int, id_: bytes) -> StoredBlob | None:
        """Return a durable blob of a channel."""
        return self._one("channel = ? AND blob = ? AND durable", channel, id_)

    def copies_of_blob(self, channel: int, id_: bytes) -> list[StoredBlob]:
        """Return a durable blob of a channel, once for each card that uploaded it."""
        return self._all("channel = ? AND blob = ? AND durable", channel, id_)

    def upload(self, channel: int, id_: bytes, card: int) -> StoredBlob | None:
        """Return an unfinished upload of a card."""
        where = "channel = ? AND blob = ? AND card = ? AND NOT durable"
        return self._one(where, channel, id_, card)

    def blob_usage(self, channel: int, identity: str, card: int) -> BlobUsage:
        """Return what counts for the quotas; unfinished uploads count with their whole size."""
        uploads = "SELECT count(*) FROM blobs WHERE card = ? AND NOT durable"
        (count,) = self._db.execute(uploads, (card,)).fetchone()
        return BlobUsage(
            self._counted("identity", identity),
            self._counted("channel", str(channel)),
            self._counted("store", ""),
            count,
        )

    def blob_names(self, after: str, limit: int) -> list[tuple[str, int, bool]]:
        """Return (name, number, durable) of all blobs and uploads in the order of their names."""
        rows = self._db.execute(
            "SELECT name, number, durable FROM blobs WHERE name > ? ORDER BY name LIMIT ?",
            (after, limit),
        )
        return [(name, number, bool(durable)) for name, number, durable in rows]

    def add_blob(self, blob: StoredBlob, now_ms: int) -> StoredBlob:
        """Add an upload; return it with its number."""
        self._db.execute(
            "INSERT INTO blobs (blob, name, channel, card, identity, size, expires_at_ms,"
            " touched_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                blob.id,
                blob.name,
                blob.channel,
                blob.card,
                blob.identity,
                blob.size,
                blob.expires_at_ms,
                now_ms,
            ),
        )
        self._count(blob, blob.size)
        added = self.upload(blob.channel, blob.id, blob.card)
        assert added is not None
        return added

    def touch_blob(self, number: int, now_ms: int) -> None:
        """Note that an upload goes on."""
        self._db.execute("UPDATE blobs SET touched_at_ms = ? WHERE number = ?", (now_ms, number))

    def settle_blob(self, number: int) -> None:
        """Note that an upload is durable."""
        self._db.execute("UPDATE blobs SET durable = 1 WHERE number = ?", (number,))

    def remove_blob(self, number: int) -> str | None:
        """Forget a blob; return the name of its file."""
        found = self._one("number = ?", number)
        if found is None:
            return None
        self._db.execute("DELETE FROM blobs WHERE number = ?", (number,))
        self._count(found, -found.size)
        return found.name

    def ended_blobs(self, now_ms: int, idle_before_ms: int, limit: int) -> list[int]:
        """Return the numbers of blobs that have expired, and of uploads that nobody goes on with."""
        rows = self._db.execute(
            "SELECT number FROM blobs WHERE expires_at_ms <= ?"
            " UNION SELECT number FROM blobs WHERE touched_at_ms < ? AND NOT durable LIMIT ?",
            (now_ms, idle_before_ms, limit),
        )
        return [number for (number,) in rows]

    def _one(self, where: str, *values: object) -> StoredBlob | None:
        return next(iter(self._all(where, *values)), None)

    def _all(self, where: str, *values: object) -> list[StoredBlob]:
        rows = self._db.execute(f"{_SELECT} WHERE {where} ORDER BY number", values).fetchall()
        return [_blob(row) for row in rows]

    def _counted(self, scope: str, subject: str) -> int:
        return int(self._db.execute(_USED, (scope, subject)).fetchone()[0])

    def _count(self, blob: StoredBlob, size: int) -> None:
        scopes = (("identity", blob.identity), ("channel", str(blob.channel)), ("store", ""))
        self._db.executemany(_USE, [(*scope, size) for scope in scopes])


def _blob(row: Sequence[Any]) -> StoredBlob:
    number, id_, name, channel, card, identity, size, expires_at_ms, durable = row
    return StoredBlob(
        number, id_, name, channel, card, identity, size, expires_at_ms, bool(durable)
    )
