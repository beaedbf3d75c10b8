"""Cards in SQLite."""

from collections.abc import Sequence
from typing import Any

from peerpost_protocol import limits
from peerpost_protocol.card import Card, CardBody
from peerpost_protocol.frames import Attestation, CardRecord, CardState
from peerpost_protocol.signing import Signed
from peerpost_protocol.wire import Decoder
from peerpost_relay.sqlite_store.statements import Statements
from peerpost_relay.store import RateClass, Standing, StoredCard

ID_BYTES = 32

# The signature was verified when the card came in: here its form is enough.
_decode = Decoder[CardBody](CardBody, "stored card", limits.MAX_CARD)

_STORED = (
    "SELECT c.card, c.number, c.payload, c.signature, c.attestation, c.revoked_at_ms, c.state,"
    " c.published_at_ms, c.token, coalesce(t.rate, 'full'), t.revoked_at_ms IS NOT NULL"
    " FROM cards c LEFT JOIN tokens t ON t.number = c.token"
)
_CARD = f"{_STORED} WHERE c.card = ?"
_WAITING = f"{_STORED} WHERE c.identity = ? AND c.state = 'unendorsed' ORDER BY c.number"
_FIELDS = "SELECT payload, signature, attestation, revoked_at_ms, state, endorsers FROM cards"
_RECORD = f"{_FIELDS} WHERE card = ?"
_LIVE = f"{_FIELDS} WHERE identity = ? AND state = 'live' ORDER BY number LIMIT ?"
_WAITING_RECORDS = f"{_FIELDS} WHERE identity = ? AND state = 'unendorsed' AND published_at_ms >= ? ORDER BY number"
_DOMAIN = (
    "SELECT DISTINCT identity FROM cards WHERE identity > ? AND state = 'live'"
    " AND substr(identity, instr(identity, '@') + 1) = ? ORDER BY identity LIMIT ?"
)


class Cards(Statements):
    """Read and write cards."""

    __slots__ = ()

    def card(self, id_: bytes) -> StoredCard | None:
        """Return the card, revoked or not."""
        row = self._db.execute(_CARD, (id_,)).fetchone()
        return _stored(row) if row else None

    def standing(self, id_: bytes) -> Standing | None:
        """Return who a card is for, without the card."""
        row = self._db.execute(
            "SELECT number, identity, revoked_at_ms, state FROM cards WHERE card = ?", (id_,)
        ).fetchone()
        if row is None:
            return None
        number, identity, ended_at_ms, state = row
        return Standing(number, identity, ended_at_ms, CardState(state))

    def records(self, ids: Sequence[bytes]) -> list[CardRecord]:
        """Return the cards of these ids that are known, revoked or not, in the given order."""
        rows = (self._db.execute(_RECORD, (id_,)).fetchone() for id_ in dict.fromkeys(ids))
        return [_record(row) for row in rows if row]

    def live_records(self, identity: str, limit: int) -> list[CardRecord]:
        """Return an identity's cards that count, oldest first."""
        return [_record(row) for row in self._db.execute(_LIVE, (identity, limit))]

    def domain_records(self, domain: str, after: str, limit: int) -> list[CardRecord]:
        """Return the live cards of a domain's identities behind one, by identity; none is divided."""
        found: list[CardRecord] = []
        for (identity,) in self._db.execute(_DOMAIN, (after, domain, limit)).fetchall():
            cards = self.live_records(identity, limit)
            if len(found) + len(cards) > limit:
                break
            found += cards
        return found

    def waiting_cards(self, identity: str) -> list[StoredCard]:
        """Return an identity's cards that nobody has endorsed, oldest first."""
        return [_stored(row) for row in self._db.execute(_WAITING, (identity,))]

    def waiting_records(self, identity: str, since_ms: int) -> list[CardRecord]:
        """Return those of them that were published at or after a time."""
        rows = self._db.execute(_WAITING_RECORDS, (identity, since_ms))
        return [_record(row) for row in rows][: limits.MAX_WAITING_CARDS]

    def cards_of(self, identity: str) -> list[tuple[bytes, int]]:
        """Return id and number of every card of an identity that ever counted."""
        return self._db.execute(
            "SELECT card, number FROM cards WHERE identity = ? AND state != 'unendorsed'"
            " ORDER BY number",
            (identity,),
        ).fetchall()

    def add_card(
        self,
        card: Card,
        attestation: Attestation,
        now_ms: int,
        *,
        state: CardState = CardState.LIVE,
        token: int | None = None,
    ) -> None:
        """Add a card that is not there."""
        self._db.execute(
            "INSERT INTO cards (card, identity, payload, signature, attestation, published_at_ms,"
            " state, token) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                card.id,
                card.identity,
                card.signed.payload,
                card.signed.signature,
                str(attestation),
                now_ms,
                str(state),
                token,
            ),
        )

    def set_state(
        self, id_: bytes, state: CardState, endorsers: bytes, ended_at_ms: int | None
    ) -> None:
        """Note where a card stands now, the ids of its endorsers in a row, and when it ended."""
        self._db.execute(
            "UPDATE cards SET state = ?, endorsers = ?, revoked_at_ms = ? WHERE card = ?",
            (str(state), endorsers, ended_at_ms, id_),
        )

    def set_attestation(self, id_: bytes, attestation: Attestation, token: int | None) -> None:
        """Note what stands behind a card now."""
        self._db.execute(
            "UPDATE cards SET attestation = ?, token = ? WHERE card = ?",
            (str(attestation), token, id_),
        )

    def drop_card(self, number: int) -> None:
        """Forget a card that never counted."""
        self._db.execute("DELETE FROM cards WHERE number = ?", (number,))

    def listed_cards(self) -> list[tuple[bytes, str, str, int, str, int | None]]:
        """Return id, identity, attestation, publication, state and end of every card."""
        return self._db.execute(
            "SELECT card, identity, attestation, published_at_ms, state, revoked_at_ms FROM cards"
            " ORDER BY number"
        ).fetchall()


def _stored(row: tuple[Any, ...]) -> StoredCard:
    id_, number, payload, signature, attestation, ended, state, published, token, rate, lost = row
    attested = Attestation(attestation)
    return StoredCard(
        number,
        Card(id_, _decode(payload), Signed(payload, signature)),
        attested,
        ended,
        CardState(state),
        published,
        token,
        RateClass(rate),
        bool(lost) and attested is Attestation.AUTHORIZED,
    )


def _record(row: tuple[bytes, bytes, str, int | None, str, bytes]) -> CardRecord:
    payload, signature, attestation, ended_at_ms, state, endorsers = row
    ids = (endorsers[start : start + ID_BYTES] for start in range(0, len(endorsers), ID_BYTES))
    return CardRecord(
        Signed(payload, signature),
        Attestation(attestation),
        ended_at_ms,
        CardState(state),
        tuple(ids)[: limits.MAX_CARDS_PER_MEMBER],
    )
