"""Channels: the verified roster, how far the stream is stored, and this card's own chain."""

from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import Struct

from peerpost_daemon.records import lineage, requests
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card
from peerpost_protocol.chain import Link
from peerpost_protocol.frames import Cursor
from peerpost_protocol.roster import Roster, RosterEvent
from peerpost_protocol.wire import encode


class ChannelState(StrEnum):
    """Say whether a channel can be used: `pending` is not yet accepted by the relay, `requested` not yet by us."""

    PENDING = "pending"
    ACTIVE = "active"
    LEFT = "left"
    REMOVED = "removed"
    REQUESTED = "requested"
    DECLINED = "declined"


class Channel(Struct, frozen=True):
    """Be a channel as it is stored. `cursor`: the stream is stored up to this position."""

    id: bytes
    peer: str | None
    state: ChannelState
    roster: Roster
    created_at_ms: int
    joined_late: bool
    cursor: int
    own: Link | None
    sent: Link | None


_COLUMNS = (
    "id, peer, state, roster, created_at_ms, joined_late, cursor, own_sequence, own_head, "
    "sent_sequence, sent_head"
)
_LOST_AGAIN: Final = (
    "receipts_cursor = 0, receipt_due = ?1, receipt_posted = "
    "-(EXISTS (SELECT 1 FROM chain WHERE channel = channel.id)), era = era + 1, tail = NULL"
)
_ROSTERS_REMEMBERED: Final = 32
_roster_decoder = msgspec.msgpack.Decoder(Roster)
_encode_roster = msgspec.msgpack.Encoder().encode


def find(db: SqlConnection, id_: bytes) -> Channel | None:
    """Return the channel with this id."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM channel WHERE id = ?",  # noqa: S608  constant columns
        (id_,),
    ).fetchone()
    return _channel(row) if row else None


def everything(db: SqlConnection) -> list[Channel]:
    """Return all channels, oldest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM channel ORDER BY created_at_ms, id"  # noqa: S608  constant columns
    ).fetchall()
    return [_channel(row) for row in rows]


def direct(db: SqlConnection, peer: str) -> Channel | None:
    """Return the direct channel with an identity that can be used, the oldest one."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM channel WHERE peer = ? "  # noqa: S608  constant columns
        "AND state IN ('pending', 'active') ORDER BY state, created_at_ms, id LIMIT 1",
        (peer,),
    ).fetchone()
    return _channel(row) if row else None


def create(db: SqlConnection, channel: Channel) -> None:
    """Store a channel that is not there yet."""
    db.execute(
        "INSERT INTO channel (id, name, peer, state, roster, created_at_ms, joined_late) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            channel.id,
            channel.roster.name,
            channel.peer,
            channel.state.value,
            _encode_roster(channel.roster),
            channel.created_at_ms,
            channel.joined_late,
        ),
    )


def set_roster(db: SqlConnection, roster: Roster) -> None:
    """Store the roster after a new event."""
    db.execute(
        "UPDATE channel SET roster = ?, name = ? WHERE id = ?",
        (_encode_roster(roster), roster.name, roster.channel),
    )


def set_standing(db: SqlConnection, roster: Roster, me: Card) -> None:
    """Note what the roster lets this account do, so that nobody has to decode it to send."""
    member = lineage.speaks(db, roster, me)
    posts = member is not None and roster.may_post(member)
    db.execute(
        "UPDATE channel SET posts = ?, expire_ms = ? WHERE id = ?",
        (posts, roster.policies.expire_ms, roster.channel),
    )


def set_state(db: SqlConnection, id_: bytes, state: ChannelState) -> None:
    """Store the state."""
    db.execute("UPDATE channel SET state = ? WHERE id = ?", (state.value, id_))


def forget(db: SqlConnection, id_: bytes) -> None:
    """Remove a channel that the relay never accepted."""
    db.execute("DELETE FROM roster_event WHERE channel = ?", (id_,))
    db.execute("DELETE FROM channel WHERE id = ? AND state = 'pending'", (id_,))


def remove(db: SqlConnection, id_: bytes) -> None:
    """Remove a channel that nobody here ever accepted."""
    db.execute("DELETE FROM roster_event WHERE channel = ?", (id_,))
    db.execute("DELETE FROM channel WHERE id = ?", (id_,))


def set_inviter(db: SqlConnection, id_: bytes, inviter: str, *, unasked: bool) -> None:
    """Note who has added this account, and whether anybody here was asked."""
    db.execute("UPDATE channel SET inviter = ?, unasked = ? WHERE id = ?", (inviter, unasked, id_))


def set_asked(db: SqlConnection, id_: bytes) -> None:
    """Note that somebody here wants the channel."""
    db.execute("UPDATE channel SET unasked = 0 WHERE id = ?", (id_,))


def unanswered(db: SqlConnection, peer: str) -> bytes | None:
    """Return the direct channel that an identity has begun and nobody here has accepted."""
    row = db.execute(
        "SELECT id FROM channel WHERE peer = ? AND state IN ('requested', 'declined') LIMIT 1",
        (peer,),
    ).fetchone()
    return row[0] if row else None


def to_leave(db: SqlConnection, limit: int) -> list[Channel]:
    """Return declined channels that this account has not left yet; a direct one cannot be left."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM channel WHERE state = 'declined' AND peer IS NULL LIMIT ?",  # noqa: S608
        (limit,),
    ).fetchall()
    return [_channel(row) for row in rows]


def events_of(db: SqlConnection, id_: bytes) -> list[bytes]:
    """Return a channel's stored roster events, encoded Signed, in their order."""
    rows = db.execute(
        "SELECT signed FROM roster_event WHERE channel = ? ORDER BY position", (id_,)
    ).fetchall()
    return [row[0] for row in rows]


def advance(db: SqlConnection, id_: bytes, position: int, tail: bytes | None = None) -> None:
    """Move the cursor forward, never back. `tail`: the SHA-256 of the item there."""
    db.execute(
        "UPDATE channel SET cursor = ?, tail = ? WHERE id = ? AND cursor < ?",
        (position, tail, id_, position),
    )


def tail(db: SqlConnection, id_: bytes) -> bytes | None:
    """Return the SHA-256 of the item at the cursor, None when it is not known."""
    row = db.execute("SELECT tail FROM channel WHERE id = ?", (id_,)).fetchone()
    return row[0] if row else None


def advance_receipts(db: SqlConnection, id_: bytes, revision: int) -> None:
    """Move the receipts' cursor forward, never back."""
    db.execute(
        "UPDATE channel SET receipts_cursor = max(receipts_cursor, ?) WHERE id = ?",
        (revision, id_),
    )


def receipts_cursor(db: SqlConnection, id_: bytes) -> int:
    """Return the revision up to which others' receipts were taken."""
    row = db.execute("SELECT receipts_cursor FROM channel WHERE id = ?", (id_,)).fetchone()
    return int(row[0]) if row else 0


def owe_receipt(db: SqlConnection, id_: bytes, position: int) -> None:
    """Note that something of others is stored at a position, for which a receipt is due.

    What was released late stands before the last receipt: then that one is due again, and `receipt_posted` goes down,
    below every value that a receipt on its way was made from.
    """
    db.execute(
        "UPDATE channel SET receipt_due = max(receipt_due, ?), receipt_posted = "
        "iif(? > receipt_posted, receipt_posted, min(receipt_posted, receipt_due) - 1) "
        "WHERE id = ?",
        (position, position, id_),
    )


def receipts_due(db: SqlConnection, limit: int) -> list[tuple[bytes, int, int]]:
    """Return (channel, position, position posted last) of active channels that owe a receipt."""
    return db.execute(
        "SELECT id, receipt_due, receipt_posted FROM channel WHERE state = 'active' "
        "AND receipt_due > receipt_posted"
    ).fetchmany(limit)


def receipt_posted(db: SqlConnection, id_: bytes, position: int, before: int) -> None:
    """Note that the relay has the receipt for a position, unless it became due again since `before`."""
    db.execute(
        "UPDATE channel SET receipt_posted = ? WHERE id = ? AND receipt_posted = ?",
        (position, id_, before),
    )


def rejoin(db: SqlConnection, id_: bytes) -> None:
    """Let the others' chains begin anew: what they sent while we were no member was not for us."""
    db.execute("UPDATE channel SET joined_late = 1 WHERE id = ?", (id_,))
    db.execute("DELETE FROM chain WHERE channel = ?", (id_,))


def rewind(db: SqlConnection, id_: bytes, position: int) -> None:
    """Go on after an earlier position: the relay has lost what it had beyond, our receipt with it.

    A new era begins: each envelope that is held may come once more, at another position. A receipt is due at once, for
    senders whose vaults are older copies, too: it tells them which sequences of theirs are used.
    """
    db.execute(
        f"UPDATE channel SET cursor = ?1, {_LOST_AGAIN} WHERE id = ?2",  # noqa: S608  constant
        (position, id_),
    )


def era(db: SqlConnection, id_: bytes) -> int:
    """Return how often the positions of a channel went back."""
    row = db.execute("SELECT era FROM channel WHERE id = ?", (id_,)).fetchone()
    return row[0] if row else 0


def rewind_all(db: SqlConnection) -> None:
    """Begin again at the first position: the relay has another store, its positions are new."""
    db.execute(f"UPDATE channel SET cursor = ?1, {_LOST_AGAIN}", (0,))  # noqa: S608  constant
    requests.rewind_all(db)


def set_own(db: SqlConnection, id_: bytes, link: Link | None) -> None:
    """Store the newest link that this card has sealed."""
    sequence, head = (link.sequence, link.id) if link else (0, None)
    db.execute(
        "UPDATE channel SET own_sequence = ?, own_head = ? WHERE id = ?", (sequence, head, id_)
    )


def set_sent(db: SqlConnection, id_: bytes, link: Link) -> None:
    """Store the newest link that the relay has accepted; it never goes back."""
    db.execute(
        "UPDATE channel SET sent_sequence = ?, sent_head = ? WHERE id = ? AND sent_sequence < ?",
        (link.sequence, link.id, id_, link.sequence),
    )


def cursors(db: SqlConnection) -> tuple[Cursor, ...]:
    """Return from where this daemon reads on in every channel that the relay knows.

    The last item that it has is asked for once more: another one there shows that the relay's positions went back.
    """
    rows = db.execute(
        "SELECT id, cursor - (tail IS NOT NULL), receipts_cursor FROM channel "
        "WHERE state = 'active' UNION ALL "
        "SELECT id, cursor, receipts_cursor FROM channel WHERE state = 'declined' UNION ALL "
        "SELECT id, upto, receipts_cursor FROM channel JOIN request ON channel = id "
        "WHERE state = 'requested'"
    )
    return tuple(Cursor(*row) for row in rows)


def add_event(db: SqlConnection, event: RosterEvent) -> None:
    """Store a verified roster event."""
    db.execute(
        "INSERT OR REPLACE INTO roster_event (channel, position, id, signed) VALUES (?, ?, ?, ?)",
        (event.channel, event.body.position, event.id, encode(event.signed)),
    )


def event_id(db: SqlConnection, channel: bytes, position: int) -> bytes | None:
    """Return the id of the roster event at a roster position."""
    row = db.execute(
        "SELECT id FROM roster_event WHERE channel = ? AND position = ?", (channel, position)
    ).fetchone()
    return row[0] if row else None


def event_at(db: SqlConnection, channel: bytes, position: int) -> bytes | None:
    """Return the encoded Signed of the roster event at a roster position."""
    row = db.execute(
        "SELECT signed FROM roster_event WHERE channel = ? AND position = ?", (channel, position)
    ).fetchone()
    return row[0] if row else None


def active(db: SqlConnection) -> list[bytes]:
    """Return the ids of the channels that this account is in."""
    return [row[0] for row in db.execute("SELECT id FROM channel WHERE state = 'active'")]


def pending_events(db: SqlConnection) -> list[tuple[bytes, bytes]]:
    """Return (channel, encoded Signed) of the create events that the relay has not accepted."""
    return db.execute(
        "SELECT channel.id, signed FROM channel JOIN roster_event ON channel = channel.id "
        "WHERE state = 'pending' AND position = 0 ORDER BY created_at_ms"
    ).fetchall()


@lru_cache(maxsize=_ROSTERS_REMEMBERED)
def _decoded(roster: bytes) -> Roster:
    """Return a stored roster: it is asked for with every message, and changes seldom."""
    return _roster_decoder.decode(roster)


def _channel(
    row: tuple[bytes, str | None, str, bytes, int, int, int, int, bytes, int, bytes],
) -> Channel:
    own = Link(row[7], row[8]) if row[7] else None
    sent = Link(row[9], row[10]) if row[9] else None
    roster = _decoded(row[3])
    return Channel(
        row[0], row[1], ChannelState(row[2]), roster, row[4], bool(row[5]), row[6], own, sent
    )
