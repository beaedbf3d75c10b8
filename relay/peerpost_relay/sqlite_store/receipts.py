"""Receipts in SQLite: the newest of each card in each channel."""

from peerpost_protocol.signing import Signed
from peerpost_relay.sqlite_store.statements import Statements
from peerpost_relay.store import StoredReceipt

_RECEIPTS = (
    "SELECT position, revision, payload, signature FROM receipts"
    " WHERE channel = ? AND revision > ? AND revision <= ? AND card <> ?"
    " ORDER BY revision LIMIT ?"
)

_END = (
    "SELECT revision FROM receipts WHERE channel = ? AND card <> ? ORDER BY revision DESC LIMIT 1"
)


class Receipts(Statements):
    """Read and write receipts."""

    __slots__ = ()

    def receipt(self, channel: int, card: int) -> StoredReceipt | None:
        """Return a card's receipt."""
        row = self._db.execute(
            "SELECT position, revision, payload, signature FROM receipts"
            " WHERE channel = ? AND card = ?",
            (channel, card),
        ).fetchone()
        return _receipt(row) if row else None

    def receipts(
        self, channel: int, after: int, until: int, *, besides: int, limit: int, bytes_max: int
    ) -> tuple[list[StoredReceipt], int]:
        """Return the other cards' receipts of after < revision <= until, and how far they go."""
        found: list[StoredReceipt] = []
        size = 0
        for row in self._db.execute(_RECEIPTS, (channel, after, until, besides, limit)):
            size += len(row[2])
            if found and size > bytes_max:
                return found, found[-1].revision
            found.append(_receipt(row))
        return found, until if len(found) < limit else found[-1].revision

    def receipts_end(self, channel: int, *, besides: int) -> int:
        """Return the revision of the newest receipt by another card, 0 when there is none."""
        row = self._db.execute(_END, (channel, besides)).fetchone()
        return int(row[0]) if row else 0

    def put_receipt(self, channel: int, card: int, receipt: StoredReceipt) -> None:
        """Replace a card's receipt; `receipt.revision` becomes the channel's."""
        self._db.execute(
            "INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?, ?)",
            (
                channel,
                card,
                receipt.position,
                receipt.revision,
                receipt.signed.payload,
                receipt.signed.signature,
            ),
        )
        self._db.execute(
            "UPDATE channels SET receipts = ? WHERE number = ?", (receipt.revision, channel)
        )


def _receipt(row: tuple[int, int, bytes, bytes]) -> StoredReceipt:
    position, revision, payload, signature = row
    return StoredReceipt(position, revision, Signed(payload, signature))
