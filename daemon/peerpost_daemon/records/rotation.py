"""The rotation under way: a successor of this account's card, from its keys to the moment when it is in force.

    prepared    the keys are durable, nothing is sealed any more     → published, undone at the next start
    published   the statement may be at the relay                    → in force (the row is gone), abandoned
    abandoned   the relay refused it; everything goes on under the old card, and the keys stay: a relay could still
                bring the statement into force                       → published (the next rotation), in force

All functions run inside one transaction.
"""

from enum import StrEnum

from msgspec import Struct

from peerpost_daemon.records import ahead, channels
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card, DeviceKeys, open_card
from peerpost_protocol.frames import decode_signed
from peerpost_protocol.signing import Signed
from peerpost_protocol.wire import encode


class RotationState(StrEnum):
    """Say how far a rotation has come."""

    PREPARED = "prepared"
    PUBLISHED = "published"
    ABANDONED = "abandoned"


class Successor(Struct, frozen=True):
    """Be the card that is to come, its keys, and the old card's statement once it is signed."""

    state: RotationState
    card: Card
    keys: DeviceKeys
    statement: Signed | None


def find(db: SqlConnection) -> Successor | None:
    """Return the successor, None when no rotation was begun."""
    row = db.execute(
        "SELECT state, card, signing_seed, encryption_private, statement FROM rotation"
    ).fetchone()
    if row is None:
        return None
    card, keys = open_card(decode_signed(row[1])), DeviceKeys(row[2], row[3])
    statement = decode_signed(row[4]) if row[4] is not None else None
    return Successor(RotationState(row[0]), card, keys, statement)


def is_sealing(db: SqlConnection) -> bool:
    """Say whether envelopes may be sealed: under a card that is being replaced, none is."""
    row = db.execute("SELECT 1 FROM rotation WHERE state != 'abandoned'").fetchone()
    return row is None


def prepare(db: SqlConnection, card: Card, seed: bytes, private: bytes) -> None:
    """Store a successor; one that was abandoned is taken up again instead. From here on nothing is sealed."""
    db.execute(
        "INSERT INTO rotation (one, state, card, signing_seed, encryption_private) "
        "VALUES (1, 'prepared', ?, ?, ?) ON CONFLICT (one) DO UPDATE SET state = 'published'",
        (encode(card.signed), seed, private),
    )


def is_drained(db: SqlConnection) -> bool:
    """Say whether nothing that the old card has signed waits for the relay's answer."""
    sealed = db.execute("SELECT 1 FROM outbox WHERE state = 'sealed' LIMIT 1").fetchone()
    return sealed is None and not channels.pending_events(db)


def publish(db: SqlConnection, statement: Signed) -> None:
    """Store the statement, before it leaves."""
    db.execute("UPDATE rotation SET state = 'published', statement = ?", (encode(statement),))


def undo(db: SqlConnection) -> None:
    """Forget a successor of which no statement was signed."""
    db.execute("DELETE FROM rotation WHERE state = 'prepared'")


def abandon(db: SqlConnection) -> None:
    """Go on under the old card; the keys stay."""
    undo(db)
    db.execute("UPDATE rotation SET state = 'abandoned'")


def come_into_force(db: SqlConnection, old: Card, successor: Successor, now_ms: int) -> None:
    """Make the successor this account's card: it begins chains of its own, and the old key stays for reading."""
    private = successor.keys.encryption_private
    db.execute(
        "INSERT INTO own_card (id, signed, encryption_private, ended_at_ms) "
        "SELECT ?, card, encryption_private, ? FROM account",
        (old.id, now_ms),
    )
    db.execute(
        "UPDATE account SET card = ?, signing_seed = (SELECT signing_seed FROM rotation), "
        "encryption_private = ?, state = 'registered', reason = NULL, refused_for = NULL",
        (encode(successor.card.signed), private),
    )
    _set_chains_aside(db, old.id, successor.card.id)
    db.execute("DELETE FROM rotation")


def _set_chains_aside(db: SqlConnection, old: bytes, new: bytes) -> None:
    # Drained, there is none; after an abandoned rotation there may be, and its bytes are the old card's.
    db.execute(
        "UPDATE outbox SET state = 'queued', sequence = NULL, envelope = NULL, envelope_id = NULL "
        "WHERE state = 'sealed'"
    )
    db.execute(
        "UPDATE message SET card = ? WHERE card = ? AND cursor IN "
        "(SELECT message_cursor FROM outbox WHERE state = 'queued')",
        (new, old),
    )
    # The relay takes nothing by the old card any more: its kept bytes cannot go again.
    db.execute(
        "UPDATE outbox SET own = ?, envelope = NULL WHERE own = x'' AND sequence IS NOT NULL",
        (old,),
    )
    db.execute("UPDATE own_envelope SET own = ? WHERE own = x''", (old,))
    db.execute("UPDATE mark SET own = ? WHERE own = x''", (old,))
    ahead.forget(db)
    db.execute(
        "UPDATE channel SET own_sequence = 0, own_head = NULL, sent_sequence = 0, sent_head = NULL"
    )
