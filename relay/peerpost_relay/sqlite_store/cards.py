"""Cards in SQLite."""

from collections.abc import Sequence

from peerpost_protocol import limits
from peerpost_protocol.card import Card, CardBody
from peerpost_protocol.frames import Attestation, CardRecord, CardState
from peerpost_protocol.signing import Signed
from peerpost_protocol.wire import Decoder
from peerpost_relay.sqlite_store.statements import Statements
from peerpost_relay.store import Standing, StoredCard

# The signature was verified when the card came in: here its form is enough.
_decode = Decoder[CardBody](CardBody, "stored card", limits.MAX_CARD)

_CARD = "SELECT number, payload, signature, attestation, revoked_at_ms FROM cards WHERE card = ?"
_RECORDS = (
    "SELECT payload, signature, attestation, revoked_at_ms FROM cards"
    " WHERE identity = ? AND revoked_at_ms IS NULL ORDER BY number LIMIT ?"
)


class Cards(Statements):
    """Read and write cards."""

    __slots__ = ()

    def card(self, id_: bytes) -> StoredCard | None:
        """Return the card, revoked or not."""
        row = self._db.execute(_CARD, (id_,)).fetchone()
        if row is None:
            return None
        number, payload, signature, attestation, revoked_at_ms = row
        card = Card(id_, _decode(payload), Signed(payload, signature))
        return StoredCard(number, card, Attestation(attestation), revoked_at_ms)

    def standing(self, id_: bytes) -> Standing | None:
        """Return who a card is for, without the card."""
        row = self._db.execute(
            "SELECT number, identity, revoked_at_ms FROM cards WHERE card = ?", (id_,)
        ).fetchone()
        return Standing(*row) if row else None

    def records(self, ids: Sequence[bytes]) -> list[CardRecord]:
        """Return the cards of these ids that are known, revoked or not, in the given order."""
        rows = (self._db.execute(_CARD, (id_,)).fetchone() for id_ in dict.fromkeys(ids))
        return [_record(row[1:]) for row in rows if row]

    def live_records(self, identity: str, limit: int) -> list[CardRecord]:
        """Return an identity's cards that are not revoked, oldest first."""
        return [_record(row) for row in self._db.execute(_RECORDS, (identity, limit))]

    def revoked_since(self, at_ms: int) -> list[bytes]:
        """Return the ids of the cards revoked at or after a time."""
        rows = self._db.execute("SELECT card FROM cards WHERE revoked_at_ms >= ?", (at_ms,))
        return [card for (card,) in rows]

    def add_card(self, card: Card, attestation: Attestation, now_ms: int) -> None:
        """Add a card that is not there."""
        self._db.execute(
            "INSERT INTO cards (card, identity, payload, signature, attestation, published_at_ms)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                card.id,
                card.identity,
                card.signed.payload,
                card.signed.signature,
                str(attestation),
                now_ms,
            ),
        )

    def revoke_card(self, id_: bytes, now_ms: int) -> bool:
        """Revoke a live card; tell whether there was one."""
        done = self._db.execute(
            "UPDATE cards SET revoked_at_ms = ? WHERE card = ? AND revoked_at_ms IS NULL",
            (now_ms, id_),
        )
        return done.rowcount == 1

    def listed_cards(self) -> list[tuple[bytes, str, str, int, int | None]]:
        """Return id, identity, attestation, publication and revocation of every card."""
        return self._db.execute(
            "SELECT card, identity, attestation, published_at_ms, revoked_at_ms FROM cards"
            " ORDER BY number"
        ).fetchall()


def _record(row: tuple[bytes, bytes, str, int | None]) -> CardRecord:
    payload, signature, attestation, revoked_at_ms = row
    state = CardState.LIVE if revoked_at_ms is None else CardState.REVOKED
    signed = Signed(payload, signature)
    return CardRecord(signed, Attestation(attestation), revoked_at_ms, state, ())
