"""Contacts and their cards: which are believed, and which have been offered since.

The first cards seen of an identity are pinned, unless somebody has listed its fingerprints: then only those. A card
that comes later is `endorsed` if a card that counts vouches for it, else `offered`: nothing is sealed to it and nothing
by it is shown until somebody accepts it. How a contact moves is `trust.TRANSITIONS`; what is done on purpose (verify,
block, name, policy) is in `judgement`.
"""

from collections.abc import Mapping

from msgspec import Struct

from peerpost_daemon import trust as rules
from peerpost_daemon.records import policies
from peerpost_daemon.trust import ContactState, Step, Trust
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card, open_card
from peerpost_protocol.frames import decode_signed
from peerpost_protocol.wire import encode


class KnownCard(Struct, frozen=True):
    """Be a verified card with the trust it has here."""

    card: Card
    trust: Trust
    first_seen_ms: int
    attestation: str | None = None  # what the relay said last; None: it did not


class Contact(Struct, frozen=True):
    """Be a contact with all its cards, oldest first. `policy`: None where the default holds."""

    identity: str
    state: ContactState
    first_seen_ms: int
    alias: str | None
    policy: rules.Policy | None
    cards: tuple[KnownCard, ...]

    @property
    def counting(self) -> tuple[Card, ...]:
        """Return the cards that stand for the identity."""
        return tuple(known.card for known in self.cards if rules.counts(known.trust))


class Standing(Struct, frozen=True):
    """Say how a card and its contact are taken."""

    trust: Trust
    state: ContactState


def card(db: SqlConnection, id_: bytes) -> KnownCard | None:
    """Return the card with this id."""
    row = db.execute(
        "SELECT signed, trust, first_seen_ms, attestation FROM card WHERE id = ?", (id_,)
    ).fetchone()
    return _known(row) if row else None


def standing(db: SqlConnection, id_: bytes) -> Standing | None:
    """Return how a card and its contact are taken, without the card itself."""
    row = db.execute(
        "SELECT trust, state FROM card JOIN contact USING (identity) WHERE id = ?", (id_,)
    ).fetchone()
    return Standing(Trust(row[0]), ContactState(row[1])) if row else None


def state(db: SqlConnection, identity: str) -> ContactState:
    """Return where a contact stands; `unknown` for one that was never heard of."""
    row = db.execute("SELECT state FROM contact WHERE identity = ?", (identity,)).fetchone()
    return ContactState(row[0]) if row else ContactState.UNKNOWN


def unknown(db: SqlConnection, ids: set[bytes]) -> set[bytes]:
    """Return those of the ids that no stored card has."""
    return {id_ for id_ in ids if not _exists(db, id_)}


def counting(db: SqlConnection, identity: str) -> tuple[Card, ...]:
    """Return the cards by which an identity is known here, oldest first; none if it is blocked."""
    contact = find(db, identity)
    if contact is None or contact.state is ContactState.BLOCKED:
        return ()
    return contact.counting


def own_cards(db: SqlConnection, own: Card) -> tuple[Card, ...]:
    """Return the cards that stand for this account's identity, its own among them."""
    others = (card for card in counting(db, own.identity) if card.id != own.id)
    return (own, *others)


def usable(db: SqlConnection, identity: str, channel: bytes | None = None) -> tuple[Card, ...]:
    """Return the cards that the policies admit for an identity, oldest first."""
    contact = find(db, identity)
    if contact is None:
        return ()
    policy = policies.in_force(db, identity, channel)
    return tuple(
        known.card for known in contact.cards if rules.admits(policy, contact.state, known.trust)
    )


def meet(db: SqlConnection, card: Card, now_ms: int) -> Trust:
    """Store a card; pin it when it is the identity's first, else offer it. Return its trust."""
    row = db.execute("SELECT trust FROM card WHERE id = ?", (card.id,)).fetchone()
    if row is not None:
        return Trust(row[0])
    first = state(db, card.identity) is ContactState.UNKNOWN
    listed = is_listed(db, card)
    trust = Trust.PINNED if listed or (first and not has_list(db, card)) else Trust.OFFERED
    if trust is Trust.OFFERED or first:
        move(db, card.identity, Step.MEET if trust is Trust.PINNED else Step.OFFER, now_ms)
    store(db, card, trust, now_ms)
    if listed and state(db, card.identity) is ContactState.PINNED:
        move(db, card.identity, Step.VERIFY, now_ms)
    return trust


def store(db: SqlConnection, card: Card, trust: Trust, now_ms: int) -> None:
    """Store a card that is not there yet."""
    db.execute(
        "INSERT INTO card (id, identity, signed, trust, first_seen_ms) VALUES (?, ?, ?, ?, ?)",
        (card.id, card.identity, encode(card.signed), trust.value, now_ms),
    )


def attest(db: SqlConnection, said: Mapping[bytes, str]) -> None:
    """Note what the relay says stands behind the identities of cards, as far as these are here."""
    db.executemany(
        "UPDATE card SET attestation = ?2 WHERE id = ?1 AND attestation IS NOT ?2", said.items()
    )


def set_trust(db: SqlConnection, id_: bytes, trust: Trust) -> None:
    """Store how a card is taken."""
    db.execute("UPDATE card SET trust = ? WHERE id = ?", (trust.value, id_))


def move(db: SqlConnection, identity: str, step: Step, now_ms: int) -> ContactState:
    """Take a contact through a step of the table; return where it stands then. Raises DaemonError."""
    there = rules.after(state(db, identity), step)
    db.execute(
        "INSERT INTO contact (identity, state, first_seen_ms) VALUES (?, ?, ?) "
        "ON CONFLICT (identity) DO UPDATE SET state = excluded.state",
        (identity, there.value, now_ms),
    )
    return there


def accept(db: SqlConnection, identity: str, card_id: bytes | None, now_ms: int) -> list[bytes]:
    """Pin the identity's offered and endorsed cards (or the one named); return the ids that were pinned now.

    Raises DaemonError wrong_contact_state for a blocked contact.
    """
    rules.after(state(db, identity), Step.ACCEPT)
    rows = db.execute(
        "SELECT id FROM card WHERE identity = ? AND trust IN ('offered', 'endorsed') "
        "AND id = coalesce(?, id)",
        (identity, card_id),
    ).fetchall()
    db.executemany("UPDATE card SET trust = 'pinned' WHERE id = ?", rows)
    if not has(db, identity, Trust.OFFERED):
        move(db, identity, Step.ACCEPT, now_ms)
    return [row[0] for row in rows]


def has(db: SqlConnection, identity: str, trust: Trust) -> bool:
    """Say whether an identity has a card that is taken so."""
    row = db.execute(
        "SELECT 1 FROM card WHERE identity = ? AND trust = ? LIMIT 1", (identity, trust.value)
    ).fetchone()
    return row is not None


def is_listed(db: SqlConnection, card: Card) -> bool:
    """Say whether a card's fingerprint is in the list that somebody has given."""
    row = db.execute(
        "SELECT 1 FROM listed_fingerprint WHERE identity = ? "
        "AND fingerprint = substr(?, 1, length(fingerprint)) LIMIT 1",
        (card.identity, card.id),
    ).fetchone()
    return row is not None


def find(db: SqlConnection, identity: str) -> Contact | None:
    """Return one contact."""
    row = db.execute(f"{_SELECT} WHERE identity = ?", (identity,)).fetchone()
    return _contact(db, row) if row else None


def everyone(db: SqlConnection) -> list[Contact]:
    """Return all contacts by identity, this account's own excepted."""
    rows = db.execute(
        f"{_SELECT} WHERE identity NOT IN (SELECT identity FROM account) ORDER BY 1"  # noqa: S608  constant
    ).fetchall()
    return [_contact(db, row) for row in rows]


_SELECT = "SELECT identity, state, first_seen_ms, alias, policy FROM contact"


def has_list(db: SqlConnection, card: Card) -> bool:
    """Say whether somebody listed fingerprints for a card's identity."""
    row = db.execute(
        "SELECT 1 FROM listed_fingerprint WHERE identity = ? LIMIT 1", (card.identity,)
    ).fetchone()
    return row is not None


def _contact(db: SqlConnection, row: tuple[str, str, int, str | None, str | None]) -> Contact:
    cards = db.execute(
        "SELECT signed, trust, first_seen_ms, attestation FROM card WHERE identity = ? ORDER BY 3, id",
        (row[0],),
    ).fetchall()
    policy = rules.Policy(row[4]) if row[4] else None
    known = tuple(_known(card) for card in cards)
    return Contact(row[0], ContactState(row[1]), row[2], row[3], policy, known)


def _known(row: tuple[bytes, str, int, str | None]) -> KnownCard:
    return KnownCard(open_card(decode_signed(row[0])), Trust(row[1]), row[2], row[3])


def _exists(db: SqlConnection, id_: bytes) -> bool:
    return db.execute("SELECT 1 FROM card WHERE id = ?", (id_,)).fetchone() is not None
