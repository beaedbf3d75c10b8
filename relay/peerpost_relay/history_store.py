"""What the store keeps of histories, and of the codes that prove identities."""

from typing import Protocol

from msgspec import Struct

from peerpost_protocol.history import HistoryEntry


class StoredEntry(Struct, frozen=True):
    """Be an entry of a history; its signatures were verified when it came in."""

    identity: str
    position: int
    id: bytes
    wire: HistoryEntry


class Proof(Struct, frozen=True):
    """Be a code that was sent: its keyed digest, until when, and how many wrong tries it survives."""

    digest: bytes
    expires_at_ms: int
    tries_left: int


class HistorySnapshot(Protocol):
    """Offer what is committed at one moment."""

    def history(self, identity: str, first: int, limit: int) -> list[StoredEntry]:
        """Return an identity's entries from a position on."""

    def history_length(self, identity: str) -> int:
        """Count an identity's entries."""

    def statement(self, id_: bytes) -> StoredEntry | None:
        """Return the entry of a statement."""

    def ruled_since(self, number: int) -> tuple[list[StoredEntry], int]:
        """Return the operator's entries behind a number, and the newest number of all entries."""

    def forsaken_since(self, at_ms: int) -> list[bytes]:
        """Return the ids of the cards that rest on tokens revoked at or after a time."""

    def open_channels(self, identity: str) -> list[tuple[bytes, int, int]]:
        """Return id, number and newest position of the channels in which an identity's cards are."""

    def past_channels(self, identity: str) -> list[bytes]:
        """Return the ids of the channels in which an identity's cards are or were."""

    def proof(self, subject: bytes) -> Proof | None:
        """Return the code that was sent for a subject, as codes.py makes it of a card."""


class HistoryTransaction(HistorySnapshot, Protocol):
    """Offer what may be changed."""

    def add_entry(self, entry: StoredEntry, statement: bytes | None) -> None:
        """Put an entry at the end of its history."""

    def put_proof(self, subject: bytes, proof: Proof | None) -> None:
        """Replace a subject's code; None: forget it."""

    def forget_proofs(self, now_ms: int) -> None:
        """Forget the codes that have expired."""
