"""Histories and proofs in SQLite."""

from typing import Any

from peerpost_protocol import limits
from peerpost_protocol.history import HistoryEntry
from peerpost_protocol.wire import Decoder, encode
from peerpost_relay.history_store import Proof, StoredEntry
from peerpost_relay.sqlite_store.statements import Statements

_decode = Decoder[HistoryEntry](HistoryEntry, "stored entry", limits.MAX_FRAME)

_ENTRY = "SELECT identity, position, entry, body FROM history_entries"


class Histories(Statements):
    """Read and write histories and the codes that prove identities."""

    __slots__ = ()

    def history(self, identity: str, first: int, limit: int) -> list[StoredEntry]:
        """Return an identity's entries from a position on."""
        rows = self._db.execute(
            f"{_ENTRY} WHERE identity = ? AND position >= ? ORDER BY position LIMIT ?",
            (identity, first, limit),
        )
        return [_entry(row) for row in rows]

    def history_length(self, identity: str) -> int:
        """Count an identity's entries."""
        (length,) = self._db.execute(
            "SELECT coalesce(max(position) + 1, 0) FROM history_entries WHERE identity = ?",
            (identity,),
        ).fetchone()
        return int(length)

    def statement(self, id_: bytes) -> StoredEntry | None:
        """Return the entry of a statement."""
        row = self._db.execute(f"{_ENTRY} WHERE statement = ?", (id_,)).fetchone()
        return _entry(row) if row else None

    def ruled_since(self, number: int) -> tuple[list[StoredEntry], int]:
        """Return the operator's entries behind a number, and the newest number of all entries."""
        (newest,) = self._db.execute(
            "SELECT coalesce(max(number), 0) FROM history_entries"
        ).fetchone()
        rows = self._db.execute(
            f"{_ENTRY} WHERE number > ? AND number <= ? AND ruled = 1 ORDER BY number",
            (number, newest),
        )
        return [_entry(row) for row in rows], int(newest)

    def add_entry(self, entry: StoredEntry, statement: bytes | None) -> None:
        """Put an entry at the end of its history."""
        ruled = entry.wire.__struct_config__.tag == "ruled"
        self._db.execute(
            "INSERT INTO history_entries (identity, position, entry, statement, ruled, body)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                entry.identity,
                entry.position,
                entry.id,
                statement,
                int(ruled),
                encode(entry.wire),
            ),
        )

    def open_channels(self, identity: str) -> list[tuple[bytes, int, int]]:
        """Return id, number and newest position of the channels in which an identity's cards are."""
        return self._db.execute(
            "SELECT DISTINCT ch.channel, ch.number, ch.last FROM cards c"
            " JOIN memberships m ON m.card = c.number AND m.last IS NULL"
            " JOIN channels ch ON ch.number = m.channel WHERE c.identity = ?",
            (identity,),
        ).fetchall()

    def past_channels(self, identity: str) -> list[bytes]:
        """Return the ids of the channels in which an identity's cards are or were."""
        rows = self._db.execute(
            "SELECT DISTINCT ch.channel FROM cards c JOIN memberships m ON m.card = c.number"
            " JOIN channels ch ON ch.number = m.channel WHERE c.identity = ?",
            (identity,),
        )
        return [channel for (channel,) in rows]

    def proof(self, subject: bytes) -> Proof | None:
        """Return the code that was sent for a subject; the column is named for what it held once."""
        row = self._db.execute(
            "SELECT digest, expires_at_ms, tries_left FROM proofs WHERE card = ?", (subject,)
        ).fetchone()
        return Proof(*row) if row else None

    def put_proof(self, subject: bytes, proof: Proof | None) -> None:
        """Replace a subject's code; None: forget it."""
        self._db.execute("DELETE FROM proofs WHERE card = ?", (subject,))
        if proof is not None:
            self._db.execute(
                "INSERT INTO proofs VALUES (?, ?, ?, ?)",
                (subject, proof.digest, proof.expires_at_ms, proof.tries_left),
            )

    def forget_proofs(self, now_ms: int) -> None:
        """Forget the codes that have expired."""
        self._db.execute("DELETE FROM proofs WHERE expires_at_ms <= ?", (now_ms,))


def _entry(row: tuple[Any, ...]) -> StoredEntry:
    identity, position, id_, body = row
    return StoredEntry(identity, position, id_, _decode(body))
