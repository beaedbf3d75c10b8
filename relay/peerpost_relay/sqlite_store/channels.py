"""Channels, their rosters and who may read what of them, in SQLite."""

from collections.abc import Collection

import msgspec

from peerpost_protocol.frames import decode_signed
from peerpost_protocol.roster import Member, Roster
from peerpost_protocol.signing import Signed
from peerpost_relay.sqlite_store.statements import Statements
from peerpost_relay.store import Channel, Interval

_CHANNEL = (
    "SELECT number, channel, last, roster_position, roster_head, receipts, lost, expire_ms"
    " FROM channels WHERE channel = ?"
)
# One statement for all members of a roster: an admin may change who posts at every roster event.
_SET_POSTS = (
    "UPDATE memberships SET posts = ? WHERE channel = ? AND last IS NULL AND card IN"
    " (SELECT number FROM json_each(?) JOIN cards ON identity = value WHERE state = 'live')"
)
_EVENTS = (
    "SELECT i.body FROM events e JOIN items i ON i.channel = e.channel AND i.position = e.position"
    " WHERE e.channel = ? AND e.roster_position >= ? AND e.position <= ?"
    " ORDER BY e.roster_position LIMIT ?"
)


class _LargeRoster(Roster, frozen=True):
    """Be a roster of many whose members are not decoded: that takes most of the time."""

    members: dict[str, msgspec.Raw]  # type: ignore[assignment]


_decode_roster = msgspec.msgpack.Decoder(Roster)
_decode_large = msgspec.msgpack.Decoder(_LargeRoster)
_decode_member = msgspec.msgpack.Decoder(Member)


class Channels(Statements):
    """Read and write channels, rosters, events and memberships."""

    __slots__ = ()

    def channel(self, id_: bytes) -> Channel | None:
        """Return where a channel stands."""
        row = self._db.execute(_CHANNEL, (id_,)).fetchone()
        return Channel(*row) if row else None

    def roster(self, channel: int) -> Roster:
        """Return a channel's membership."""
        (stored,) = self._db.execute(
            "SELECT roster FROM rosters WHERE channel = ?", (channel,)
        ).fetchone()
        return _decode_roster.decode(stored)

    def roster_of(self, channel: int, identity: str) -> Roster:
        """Return a channel's membership with no more than one of its members."""
        (stored,) = self._db.execute(
            "SELECT roster FROM rosters WHERE channel = ?", (channel,)
        ).fetchone()
        return _of_one(_decode_large.decode(stored), identity)

    def intervals(self, channel: int, card: int) -> list[Interval]:
        """Return what a card may read of a channel, oldest first."""
        rows = self._db.execute(
            "SELECT first, last, posts FROM memberships WHERE card = ? AND channel = ? ORDER BY first",
            (card, channel),
        )
        return [Interval(first, last, bool(posts)) for first, last, posts in rows]

    def channels_of(self, card: int, limit: int) -> list[bytes]:
        """Return the ids of the channels that a card is in, then of those that it was in, the last one left first.

        Whoever was added and removed while away is due what was said in between, and knows of no channel.
        """
        rows = self._db.execute(
            "SELECT c.channel FROM memberships m JOIN channels c ON c.number = m.channel"
            " WHERE m.card = ? GROUP BY m.channel"
            " ORDER BY max(m.last IS NULL) DESC, max(m.last) DESC LIMIT ?",
            (card, limit),
        )
        return [channel for (channel,) in rows]

    def event(self, id_: bytes) -> tuple[bytes, int] | None:
        """Return the channel and position of a stored roster event."""
        row = self._db.execute(
            "SELECT c.channel, e.position FROM events e JOIN channels c ON c.number = e.channel"
            " WHERE e.event = ?",
            (id_,),
        ).fetchone()
        return (row[0], row[1]) if row else None

    def direct_channel(self, pair: str) -> bytes | None:
        """Return the id of the direct channel of two identities."""
        row = self._db.execute(
            "SELECT c.channel FROM direct_channels d JOIN channels c ON c.number = d.channel"
            " WHERE d.pair = ?",
            (pair,),
        ).fetchone()
        return bytes(row[0]) if row else None

    def roster_at(self, channel: int, position: int) -> tuple[int, bytes]:
        """Return position and id of the newest roster event no further than a stream position."""
        roster_position, event = self._db.execute(
            "SELECT roster_position, event FROM events WHERE channel = ? AND position <= ?"
            " ORDER BY roster_position DESC LIMIT 1",
            (channel, position),
        ).fetchone()
        return int(roster_position), bytes(event)

    def roster_events(self, channel: int, first: int, until: int, limit: int) -> list[Signed]:
        """Return events from roster position `first`, as far as stream position `until`."""
        rows = self._db.execute(_EVENTS, (channel, first, until, limit))
        return [decode_signed(body) for (body,) in rows]

    def count_channels(self, card: int) -> int:
        """Count the channels that a card is in now."""
        (count,) = self._db.execute(
            "SELECT count(*) FROM memberships WHERE card = ? AND last IS NULL", (card,)
        ).fetchone()
        return int(count)

    def add_channel(self, id_: bytes, roster: Roster, pair: str | None) -> Channel:
        """Begin a channel whose stream is empty."""
        done = self._db.execute(
            "INSERT INTO channels (channel, roster_position, roster_head) VALUES (?, ?, ?)",
            (id_, roster.position, roster.head),
        )
        number = int(done.lastrowid or 0)
        self._db.execute("INSERT INTO rosters VALUES (?, ?)", (number, _encoded(roster)))
        if pair is not None:
            self._db.execute("INSERT INTO direct_channels VALUES (?, ?)", (pair, number))
        return Channel(number, id_, 0, roster.position, roster.head, 0, 0)

    def set_roster(self, channel: int, roster: Roster) -> None:
        """Replace a channel's membership."""
        self._db.execute(
            "UPDATE rosters SET roster = ? WHERE channel = ?", (_encoded(roster), channel)
        )
        self._db.execute(
            "UPDATE channels SET roster_position = ?, roster_head = ?, expire_ms = ? WHERE number = ?",
            (roster.position, roster.head, roster.policies.expire_ms, channel),
        )

    def add_event(self, id_: bytes, channel: int, roster_position: int, position: int) -> None:
        """Remember where a roster event stands."""
        self._db.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?)", (id_, channel, roster_position, position)
        )

    def begin_membership(self, channel: int, card: int, first: int, *, posts: bool = True) -> None:
        """Let a card read from a position on, and post or not."""
        self._db.execute(
            "INSERT INTO memberships (card, channel, first, posts) VALUES (?, ?, ?, ?)",
            (card, channel, first, posts),
        )

    def set_posts(self, channel: int, identities: Collection[str], *, posts: bool) -> None:
        """Let the present cards of identities post, or not."""
        self._db.execute(_SET_POSTS, (posts, channel, msgspec.json.encode(identities).decode()))

    def end_membership(self, channel: int, card: int, last: int) -> None:
        """Let a card read no further than a position."""
        self._db.execute(
            "UPDATE memberships SET last = ? WHERE card = ? AND channel = ? AND last IS NULL",
            (last, card, channel),
        )

    def listed_channels(self) -> list[tuple[bytes, int, Roster]]:
        """Return id, newest position and membership of every channel."""
        rows = self._db.execute(
            "SELECT c.channel, c.last, r.roster FROM channels c"
            " JOIN rosters r ON r.channel = c.number ORDER BY c.number"
        )
        return [(channel, last, _decode_roster.decode(stored)) for channel, last, stored in rows]


def _of_one(roster: _LargeRoster, identity: str) -> Roster:
    found = roster.members.get(identity)
    members = {} if found is None else {identity: _decode_member.decode(found)}
    return msgspec.structs.replace(roster, members=members)


def _encoded(roster: Roster) -> bytes:
    return msgspec.msgpack.encode(roster)
