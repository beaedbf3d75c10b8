"""Contacts and their cards: what is pinned, and what has been offered since.

The first cards seen of an identity are pinned. A card that comes later is `offered`: nothing is sealed to it and
nothing by it is shown until somebody accepts it.
"""

from enum import StrEnum

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card, open_card
from peerpost_protocol.frames import decode_signed
from peerpost_protocol.wire import encode


class Trust(StrEnum):
    """Say how a card of a contact is taken."""

    PINNED = "pinned"
    OFFERED = "offered"


class ContactState(StrEnum):
    """Say where a contact stands."""

    PINNED = "pinned"
    VERIFIED = "verified"
    CHANGED = "changed"
    BLOCKED = "blocked"


class KnownCard(Struct, frozen=True):
    """Be a verified card with the trust it has here."""

    card: Card
    trust: Trust
    first_seen_ms: int


class Contact(Struct, frozen=True):
    """Be a contact with all its cards, oldest first."""

    identity: str
    state: ContactState
    first_seen_ms: int
    cards: tuple[KnownCard, ...]


def card(db: SqlConnection, id_: bytes) -> KnownCard | None:
    """Return the card with this id."""
    row = db.execute(
        "SELECT signed, trust, first_seen_ms FROM card WHERE id = ?", (id_,)
    ).fetchone()
    return _known(row) if row else None


def standing(db: SqlConnection, id_: bytes) -> tuple[Trust, ContactState] | None:
    """Return how a card and its contact are taken, without the card itself."""
    row = db.execute(
        "SELECT trust, state FROM card JOIN contact USING (identity) WHERE id = ?", (id_,)
    ).fetchone()
    return (Trust(row[0]), ContactState(row[1])) if row else None


def unknown(db: SqlConnection, ids: set[bytes]) -> set[bytes]:
    """Return those of the ids that no stored card has."""
    return {id_ for id_ in ids if not _exists(db, id_)}


def pinned(db: SqlConnection, identity: str) -> tuple[Card, ...]:
    """Return the identity's cards that may be sealed to, oldest first; none if it is blocked."""
    rows = db.execute(
        "SELECT card.signed FROM card JOIN contact USING (identity) WHERE identity = ? "
        "AND trust = 'pinned' AND state != 'blocked' ORDER BY card.first_seen_ms, card.id",
        (identity,),
    )
    return tuple(open_card(decode_signed(row[0])) for row in rows)


def meet(db: SqlConnection, card: Card, now_ms: int) -> Trust:
    """Store a card; pin it when it is the identity's first, else offer it. Return its trust."""
    row = db.execute("SELECT trust FROM card WHERE id = ?", (card.id,)).fetchone()
    if row is not None:
        return Trust(row[0])
    first = db.execute("SELECT 1 FROM contact WHERE identity = ?", (card.identity,)).fetchone()
    trust = Trust.PINNED if first is None else Trust.OFFERED
    if first is None:
        db.execute(
            "INSERT INTO contact (identity, state, first_seen_ms) VALUES (?, 'pinned', ?)",
            (card.identity, now_ms),
        )
    else:
        db.execute(
            "UPDATE contact SET state = 'changed' WHERE identity = ? AND state != 'blocked'",
            (card.identity,),
        )
    db.execute(
        "INSERT INTO card (id, identity, signed, trust, first_seen_ms) VALUES (?, ?, ?, ?, ?)",
        (card.id, card.identity, encode(card.signed), trust.value, now_ms),
    )
    return trust


def accept(db: SqlConnection, identity: str, card_id: bytes | None) -> list[bytes]:
    """Pin the identity's offered cards (or the one named); return the ids that were pinned now."""
    rows = db.execute(
        "SELECT id FROM card WHERE identity = ? AND trust = 'offered' AND id = coalesce(?, id)",
        (identity, card_id),
    ).fetchall()
    db.executemany("UPDATE card SET trust = 'pinned' WHERE id = ?", rows)
    left = db.execute(
        "SELECT 1 FROM card WHERE identity = ? AND trust = 'offered'", (identity,)
    ).fetchone()
    if left is None:
        db.execute(
            "UPDATE contact SET state = 'pinned' WHERE identity = ? AND state = 'changed'",
            (identity,),
        )
    return [row[0] for row in rows]


def find(db: SqlConnection, identity: str) -> Contact | None:
    """Return one contact."""
    row = db.execute(
        "SELECT identity, state, first_seen_ms FROM contact WHERE identity = ?", (identity,)
    ).fetchone()
    return _contact(db, row) if row else None


def everyone(db: SqlConnection) -> list[Contact]:
    """Return all contacts by identity."""
    rows = db.execute("SELECT identity, state, first_seen_ms FROM contact ORDER BY 1").fetchall()
    return [_contact(db, row) for row in rows]


def _contact(db: SqlConnection, row: tuple[str, str, int]) -> Contact:
    cards = db.execute(
        "SELECT signed, trust, first_seen_ms FROM card WHERE identity = ? ORDER BY 3, id",
        (row[0],),
    ).fetchall()
    return Contact(row[0], ContactState(row[1]), row[2], tuple(_known(card) for card in cards))


def _known(row: tuple[bytes, str, int]) -> KnownCard:
    return KnownCard(open_card(decode_signed(row[0])), Trust(row[1]), row[2])


def _exists(db: SqlConnection, id_: bytes) -> bool:
    return db.execute("SELECT 1 FROM card WHERE id = ?", (id_,)).fetchone() is not None
