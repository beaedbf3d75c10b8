"""A transaction that carries many operations: what it has read once, it remembers.

Operations of one group mostly concern the same few cards and channels. Nobody else writes while
the group's transaction is open (`BEGIN IMMEDIATE`), so what was read in it stays true until the
group itself changes it, and every method here that changes something changes or forgets what is
remembered of it. A channel's newest position and a sender's newest envelope, which every publish
moves on, are written once, by `finish`: no other column of a channel changes by what is left till
then. All of this ends with the transaction; whoever rolls back must drop the object.
"""

import sqlite3
from collections import Counter
from collections.abc import Collection

from msgspec.structs import replace

from peerpost_protocol.chain import Link
from peerpost_protocol.frames import Item
from peerpost_protocol.history import CardState
from peerpost_protocol.roster import Roster
from peerpost_relay.replays import Replays
from peerpost_relay.sqlite_store.transaction import SqliteTransaction
from peerpost_relay.store import Channel, Interval, Standing, StoredReceipt, Usage

_CHAIN = "INSERT OR REPLACE INTO chains VALUES (?, ?, ?, ?)"

_Pair = tuple[int, int]  # channel and card


class GroupTransaction(SqliteTransaction):
    """Be the statements of a group; `finish` must be called before the commit."""

    __slots__ = (
        "_channel_uses",
        "_channels",
        "_identity_uses",
        "_intervals",
        "_links",
        "_moved_channels",
        "_moved_links",
        "_standings",
        "_used",
    )

    def __init__(self, db: sqlite3.Connection, replays: Replays) -> None:
        super().__init__(db, replays)
        self._standings: dict[bytes, Standing] = {}
        self._channels: dict[bytes, Channel] = {}
        self._intervals: dict[_Pair, list[Interval]] = {}
        self._links: dict[_Pair, Link] = {}
        self._moved_channels: dict[int, int] = {}
        self._moved_links: dict[_Pair, Link] = {}
        self._used: dict[int | str, int] = {}  # bytes of channels and identities, as they are now
        self._channel_uses: Counter[int] = Counter()  # what has to be added to what is stored
        self._identity_uses: Counter[str] = Counter()

    def finish(self) -> None:
        """Write what was only remembered."""
        self._write_moved()
        rows = ((*pair, link.sequence, link.id) for pair, link in self._moved_links.items())
        self._db.executemany(_CHAIN, rows)
        self._moved_links.clear()
        self._write_usage(self._channel_uses, self._identity_uses)
        self._channel_uses.clear()
        self._identity_uses.clear()

    # -- cards -----------------------------------------------------------------------------------

    def standing(self, id_: bytes) -> Standing | None:
        """Return who a card is for, without the card."""
        found = self._standings.get(id_) or super().standing(id_)
        if found is not None:
            self._standings[id_] = found
        return found

    def set_state(
        self, id_: bytes, state: CardState, endorsers: bytes, ended_at_ms: int | None
    ) -> None:
        """Note where a card stands now, the ids of its endorsers in a row, and when it ended."""
        self._standings.pop(id_, None)
        super().set_state(id_, state, endorsers, ended_at_ms)

    def drop_card(self, number: int) -> None:
        """Forget a card that never counted."""
        self._standings.clear()
        super().drop_card(number)

    def open_channels(self, identity: str) -> list[tuple[bytes, int, int]]:
        """Return id, number and newest position of the channels in which an identity's cards are."""
        self._write_moved()
        return super().open_channels(identity)

    # -- channels --------------------------------------------------------------------------------

    def channel(self, id_: bytes) -> Channel | None:
        """Return where a channel stands."""
        found = self._channels.get(id_)
        if found is None:
            self._write_moved()
            found = super().channel(id_)
        if found is not None:
            self._channels[id_] = found
        return found

    def intervals(self, channel: int, card: int) -> list[Interval]:
        """Return what a card may read of a channel, oldest first."""
        found = self._intervals.get((channel, card))
        if found is None:
            found = self._intervals[channel, card] = super().intervals(channel, card)
        return found

    def begin_membership(self, channel: int, card: int, first: int, *, posts: bool = True) -> None:
        """Let a card read from a position on, and post or not."""
        self._intervals.pop((channel, card), None)
        super().begin_membership(channel, card, first, posts=posts)

    def set_posts(self, channel: int, identities: Collection[str], *, posts: bool) -> None:
        """Let the present cards of identities post, or not."""
        self._intervals.clear()
        super().set_posts(channel, identities, posts=posts)

    def end_membership(self, channel: int, card: int, last: int) -> None:
        """Let a card read no further than a position."""
        self._intervals.pop((channel, card), None)
        super().end_membership(channel, card, last)

    def set_roster(self, channel: int, roster: Roster) -> None:
        """Replace a channel's membership."""
        self._channels.clear()
        super().set_roster(channel, roster)

    def put_receipt(self, channel: int, card: int, receipt: StoredReceipt) -> None:
        """Replace a card's receipt; `receipt.revision` becomes the channel's."""
        self._channels.clear()
        super().put_receipt(channel, card, receipt)

    def expire(self, now_ms: int, forget_at_ms: int, limit: int) -> int:
        """Remove up to `limit` envelopes that have expired, but not their message ids; return how many."""
        self._channels.clear()
        return super().expire(now_ms, forget_at_ms, limit)

    # -- usage -----------------------------------------------------------------------------------

    def usage(self, channel: int, identity: str) -> Usage:
        """Return the bytes that a channel stores, and that an identity's cards have stored."""
        if channel not in self._used or identity not in self._used:
            stored = super().usage(channel, identity)
            self._used[channel] = stored.channel + self._channel_uses[channel]
            self._used[identity] = stored.identity + self._identity_uses[identity]
        return Usage(self._used[channel], self._used[identity])

    def use(self, channel: int, identity: str, size: int) -> None:
        """Count bytes that were stored, or with a negative size: removed."""
        self._channel_uses[channel] += size
        self._identity_uses[identity] += size
        for key in (channel, identity):
            if key in self._used:
                self._used[key] += size

    # -- the stream ------------------------------------------------------------------------------

    def append(self, channel: Channel, item: Item, expires_at_ms: int | None) -> None:
        """Put an item at `item.position`, which is `channel.last + 1`."""
        self._insert_item(channel.number, item, expires_at_ms)
        self._moved_channels[channel.number] = item.position
        if self._channels.get(channel.id) is channel:
            self._channels[channel.id] = replace(channel, last=item.position)
        else:  # the operation has changed more of it than it was given
            self._channels.pop(channel.id, None)

    def link(self, channel: int, card: int) -> Link | None:
        """Return a sender's newest envelope."""
        found = self._links.get((channel, card)) or super().link(channel, card)
        if found is not None:
            self._links[channel, card] = found
        return found

    def advance(self, channel: int, card: int, message: bytes, newest: Link, position: int) -> None:
        """Remember an envelope as its sender's newest, and its message id."""
        self._insert_message(channel, card, message, newest.id, position)
        self._links[channel, card] = self._moved_links[channel, card] = newest

    def resume(self, channel: int, card: int, newest: Link) -> None:
        """Remember an envelope that is not stored as its sender's newest."""
        self._links[channel, card] = self._moved_links[channel, card] = newest

    # -- inside ----------------------------------------------------------------------------------

    def _write_moved(self) -> None:
        self._write_last(self._moved_channels)
        self._moved_channels.clear()
