"""The items of channels, and each sender's chain, in SQLite."""

from collections.abc import Mapping

from peerpost_protocol.chain import Link
from peerpost_protocol.frames import Item, ItemKind
from peerpost_relay.sqlite_store.statements import Statements
from peerpost_relay.store import Channel, StoredMessage

_ITEMS = (
    "SELECT position, kind, stored_at_ms, body FROM items"
    " WHERE channel = ? AND position > ? AND position <= ?"
    " ORDER BY position LIMIT ?"
)
_INSERT = (
    "INSERT INTO items (channel, position, kind, stored_at_ms, expires_at_ms, body)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_MESSAGE = (
    "INSERT INTO messages (channel, sender, message, envelope, position) VALUES (?, ?, ?, ?, ?)"
)
_LAST = "UPDATE channels SET last = ? WHERE number = ?"
_KINDS = {int(kind): kind for kind in ItemKind}


class Stream(Statements):
    """Read and write items, messages and chains."""

    __slots__ = ()

    def items(
        self, channel: int, after: int, until: int, limit: int, bytes_max: int
    ) -> tuple[list[Item], int]:
        """Return items with after < position <= until, and up to where they are complete."""
        found: list[Item] = []
        size = 0
        for position, kind, stored_at_ms, body in self._db.execute(
            _ITEMS, (channel, after, until, limit)
        ):
            size += len(body)
            if found and size > bytes_max:
                return found, found[-1].position
            found.append(Item(position, _KINDS[kind], stored_at_ms, body))
        return found, until if len(found) < limit else found[-1].position

    def message(self, channel: int, card: int, id_: bytes) -> StoredMessage | None:
        """Return what a sender's message id stands for."""
        row = self._db.execute(
            "SELECT envelope, position FROM messages"
            " WHERE channel = ? AND sender = ? AND message = ?",
            (channel, card, id_),
        ).fetchone()
        return StoredMessage(*row) if row else None

    def link(self, channel: int, card: int) -> Link | None:
        """Return a sender's newest envelope."""
        row = self._db.execute(
            "SELECT sequence, head FROM chains WHERE channel = ? AND sender = ?", (channel, card)
        ).fetchone()
        return Link(*row) if row else None

    def append(self, channel: Channel, item: Item, expires_at_ms: int | None) -> None:
        """Put an item at `item.position`, which is `channel.last + 1`."""
        self._insert_item(channel.number, item, expires_at_ms)
        self._write_last({channel.number: item.position})

    def _insert_item(self, channel: int, item: Item, expires_at_ms: int | None) -> None:
        place = (channel, item.position, int(item.kind), item.stored_at_ms)
        self._db.execute(_INSERT, (*place, expires_at_ms, item.body))

    def _insert_message(
        self, channel: int, card: int, message: bytes, envelope: bytes, position: int
    ) -> None:
        self._db.execute(_MESSAGE, (channel, card, message, envelope, position))

    def _write_last(self, positions: Mapping[int, int]) -> None:
        self._db.executemany(_LAST, ((last, number) for number, last in positions.items()))

    def advance(self, channel: int, card: int, message: bytes, newest: Link, position: int) -> None:
        """Remember an envelope as its sender's newest, and its message id."""
        self._insert_message(channel, card, message, newest.id, position)
        self._db.execute(
            "INSERT OR REPLACE INTO chains VALUES (?, ?, ?, ?)",
            (channel, card, newest.sequence, newest.id),
        )

    def resume(self, channel: int, card: int, newest: Link) -> None:
        """Remember an envelope that is not stored as its sender's newest."""
        self._db.execute(
            "INSERT OR REPLACE INTO chains VALUES (?, ?, ?, ?)",
            (channel, card, newest.sequence, newest.id),
        )

    def touch(self) -> None:
        """Change nothing, but write: so that the commit shows whether the disk takes it.

        SQLite leaves out a row that stays as it is; the schema's number it always writes.
        """
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        self._db.execute(f"PRAGMA user_version={version}")
