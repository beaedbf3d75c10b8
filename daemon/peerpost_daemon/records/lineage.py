"""Lineage: the verified histories of identities, and which cards speak for whom by them.

What is stored here was replayed by `peerpost_protocol.history`; a history only grows (docs/protocol/history.md).
"""

from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from peerpost_daemon.records.replayed import Replayed
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card
from peerpost_protocol.checkpoint import checkpoint_of
from peerpost_protocol.envelope import Checkpoint
from peerpost_protocol.history import History
from peerpost_protocol.roster import Member, Roster

MAX_REMEMBERED_BYTES: Final = 16 * 1024 * 1024
"""Of histories as they are stored; decoded they are some times as large."""
_remembered = Replayed(MAX_REMEMBERED_BYTES)
_decoder = msgspec.msgpack.Decoder(History)
_encode = msgspec.msgpack.Encoder().encode


def find(db: SqlConnection, identity: str) -> History | None:
    """Return what is known of an identity's history."""
    row = db.execute("SELECT head FROM card_history WHERE identity = ?", (identity,)).fetchone()
    return (_remembered.find(row[0]) or _decoded(db, row[0], identity)) if row else None


def keep(db: SqlConnection, history: History) -> bool:
    """Store a history that continues the stored one; return False when it is not longer."""
    done = db.execute(
        "INSERT INTO card_history VALUES (?, ?, ?, ?) ON CONFLICT (identity) DO UPDATE SET "
        "length = excluded.length, head = excluded.head, state = excluded.state "
        "WHERE length < excluded.length",
        (history.identity, history.length, history.head, _encode(history)),
    )
    return bool(done.rowcount)


def kin(db: SqlConnection, member: Member) -> Collection[bytes]:
    """Return the ids of the cards that descend from those a roster lists for a member."""
    history = find(db, member.identity)
    return history.descendants(member.cards) if history else ()


def kin_of(db: SqlConnection, roster: Roster | None, card: Card) -> Collection[bytes]:
    """Return the kin that decides whether a card speaks for a member; nothing where it is listed itself."""
    member = roster.members.get(card.identity) if roster else None
    if member is None or card.id in member.cards:
        return ()
    return kin(db, member)


def speaks(db: SqlConnection, roster: Roster, card: Card) -> Member | None:
    """Return the member for whom a card speaks, listed or by descent."""
    return roster.speaks_for(card, kin_of(db, roster, card))


def checkpoint(db: SqlConnection, identities: Iterable[str]) -> Checkpoint:
    """Return how much is known here of the histories of a roster's members."""
    members = set(identities)
    known = {identity: _head(db, identity) for identity in members}
    return checkpoint_of(members, {who: history for who, history in known.items() if history})


def _head(db: SqlConnection, identity: str) -> History | None:
    row = db.execute(
        "SELECT length, head FROM card_history WHERE identity = ?", (identity,)
    ).fetchone()
    return History(identity, row[0], row[1], {}, {}) if row else None


def _decoded(db: SqlConnection, head: bytes, identity: str) -> History:
    (state,) = db.execute(
        "SELECT state FROM card_history WHERE identity = ?", (identity,)
    ).fetchone()
    history = _decoder.decode(state)
    _remembered.keep(head, history, len(state))
    return history
