"""What a card may read of its channels: rules, on a snapshot.

A card reads the positions of its membership intervals, both ends included. Expired envelopes are
skipped: their positions stay, their bodies are gone, and a reader whose cursor is before the
newest one of them is told `recovered=false`. `ChannelState.oldest` is the position from which on
nothing is gone.
"""

from msgspec import Struct

from peerpost_protocol import limits
from peerpost_protocol.frames import (
    ChannelState,
    Cursor,
    Item,
    ReadRoster,
    ReadStream,
    RosterPage,
    StreamPage,
)
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.signing import Signed
from peerpost_relay.errors import RefusalError
from peerpost_relay.store import Channel, Interval, Snapshot, StoredReceipt


class Opening(Struct, frozen=True):
    """Be a channel as a subscription begins with it, and where its reader stands."""

    state: ChannelState
    after: int
    receipts: int
    receipts_after: int
    present: bool


class Reach(Struct, frozen=True):
    """Say what to read: after one position and revision, no further than others, and how much."""

    after: int
    until: int
    receipts_after: int
    receipts_until: int
    bytes_max: int


class Page(Struct, frozen=True):
    """Be the next part of a channel for one reader.

    `reached`, `receipts_reached`: how far the reader is afterwards. `ended`: the card may not read
    the next position. Of being added again, even if this snapshot shows it, there will be news.
    """

    items: list[Item]
    reached: int
    receipts: list[StoredReceipt]
    receipts_reached: int
    ended: bool


def readable(
    snapshot: Snapshot, channel: bytes, card: int
) -> tuple[Channel, list[Interval]] | None:
    """Return the channel and what the card may read of it, None when that is nothing."""
    found = snapshot.channel(channel)
    intervals = snapshot.intervals(found.number, card) if found else []
    return (found, intervals) if found and intervals else None


def openings(
    snapshot: Snapshot, card: int, cursors: tuple[Cursor, ...], *, everything: bool
) -> list[Opening]:
    """Return how a subscription begins; channels that are not the card's are left out."""
    wanted: dict[bytes, Cursor | None] = {cursor.channel: cursor for cursor in cursors}
    if everything:
        for channel in snapshot.channels_of(card, limits.MAX_CHANNELS_PER_CARD):
            wanted.setdefault(channel, None)
    found = (opening(snapshot, card, channel, cursor) for channel, cursor in wanted.items())
    return [each for each in found if each is not None][: limits.MAX_CHANNELS_PER_CARD]


def opening(
    snapshot: Snapshot, card: int, channel_id: bytes, cursor: Cursor | None
) -> Opening | None:
    """Return how a reader begins with one channel: after its cursor, or from the first it may read."""
    found = readable(snapshot, channel_id, card)
    if found is None:
        return None
    channel, intervals = found
    last, present = _end(channel, intervals)
    first = intervals[0].first
    after = max(min(cursor.after, last) if cursor else 0, first - 1)
    link = snapshot.link(channel.number, card)
    state = ChannelState(
        channel.id,
        last,
        first,
        max(channel.lost + 1, first),
        *snapshot.roster_at(channel.number, last),
        link.sequence if link else 0,
        link.id if link else None,
        after >= min(channel.lost, last),
        snapshot.receipts_end(channel.number, besides=card) if present else 0,
    )
    receipts_after = min(cursor.receipts_after, channel.receipts) if cursor else 0
    return Opening(state, after, channel.receipts, receipts_after, present)


def joining(snapshot: Snapshot, card: int, channel_id: bytes, position: int) -> Opening | None:
    """Return how a reader begins with a channel that its card was added to at a position."""
    return opening(snapshot, card, channel_id, Cursor(channel_id, position - 1, 0))


def page(snapshot: Snapshot, card: int, channel_id: bytes, reach: Reach) -> Page:
    """Return the next page of a reader."""
    found = readable(snapshot, channel_id, card)
    if found is None:
        return Page([], reach.after, [], reach.receipts_after, ended=True)
    channel, intervals = found
    span = _Span(reach.after, reach.until, limits.MAX_ITEMS_PER_FRAME, reach.bytes_max)
    items, reached = _items(snapshot, channel, intervals, span)
    if reached < reach.until or not _may_read(intervals, reached + 1):
        return Page(items, reached, [], reach.receipts_after, ended=reached >= reach.until)
    receipts, receipts_reached = snapshot.receipts(
        channel.number,
        reach.receipts_after,
        reach.receipts_until,
        besides=card,
        limit=limits.MAX_ITEMS_PER_FRAME,
        bytes_max=reach.bytes_max,
    )
    return Page(items, reached, receipts, receipts_reached, ended=False)


def stream_page(snapshot: Snapshot, card: int, asked: ReadStream) -> StreamPage:
    """Answer `read_stream`; raise RefusalError."""
    channel, intervals = _required(snapshot, asked.channel, card)
    end, _ = _end(channel, intervals)
    span = _Span(asked.after, end, asked.limit, limits.MAX_ITEM_BYTES_PER_FRAME)
    items, _ = _items(snapshot, channel, intervals, span)
    recovered = max(asked.after, intervals[0].first - 1) >= min(channel.lost, end)
    return StreamPage(asked.request, channel.id, tuple(items), end, recovered)


def roster_page(snapshot: Snapshot, card: int, asked: ReadRoster) -> RosterPage:
    """Answer `read_roster`: the whole chain for a member, for a former one up to its removal."""
    channel, intervals = _required(snapshot, asked.channel, card)
    end, _ = _end(channel, intervals)
    limit = limits.MAX_ROSTER_EVENTS_PER_FRAME
    events = snapshot.roster_events(channel.number, asked.position, end, limit + 1)
    kept: list[Signed] = []
    size = 0
    for event in events[:limit]:
        size += len(event.payload)
        if kept and size > limits.MAX_ITEM_BYTES_PER_FRAME:
            break
        kept.append(event)
    return RosterPage(asked.request, channel.id, tuple(kept), len(events) > len(kept))


def _required(snapshot: Snapshot, channel: bytes, card: int) -> tuple[Channel, list[Interval]]:
    found = readable(snapshot, channel, card)
    if found is None:
        raise RefusalError(Refusal.UNKNOWN_CHANNEL, "there is no such channel for this card")
    return found


def _may_read(intervals: list[Interval], position: int) -> bool:
    return any(i.first <= position and (i.last is None or i.last >= position) for i in intervals)


def _end(channel: Channel, intervals: list[Interval]) -> tuple[int, bool]:
    """Return the last position the card may read now, and whether it is a present member."""
    last = intervals[-1].last
    return (channel.last, True) if last is None else (last, False)


class _Span(Struct, frozen=True):
    """Say which items to read: after < position <= until, so many, and so many bytes."""

    after: int
    until: int
    limit: int
    bytes_max: int


def _items(
    snapshot: Snapshot, channel: Channel, intervals: list[Interval], span: _Span
) -> tuple[list[Item], int]:
    """Return the items of the span within the intervals, and how far they go."""
    found: list[Item] = []
    left = span.bytes_max
    for interval in intervals:
        start = max(span.after, interval.first - 1)
        stop = span.until if interval.last is None else min(span.until, interval.last)
        if start >= stop:
            continue
        if left <= 0:
            return found, found[-1].position
        items, reached = snapshot.items(channel.number, start, stop, span.limit - len(found), left)
        found += items
        left -= sum(len(item.body) for item in items)
        if reached < stop or len(found) >= span.limit:
            return found, reached
    return found, max(span.after, span.until)
