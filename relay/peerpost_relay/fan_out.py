"""Bring what was committed to whoever follows its channel: each position once, in order.

Strategy. A channel that somebody follows has a `Feed`, which knows the newest position it has been
told of. A follower of it is either *live*, and then has been sent everything up to exactly that
position, or *behind*, and then has a cursor and is brought forward page by page from the store
(catch_up.py). Both meet in one place and one tick of the loop: when a page ends where the feed
stands, the follower becomes live; when a live follower's unread bytes are over `live_bytes_max`, it
falls behind, with the feed's position from before the new items as its cursor. So there is no gap
and no double, however commits, pages and slow sockets interleave (tests/relay/test_fan_out.py
plays all of it against a list).

    follow ──cursor = feed──► LIVE ──too much unread──► BEHIND ──page ends at the feed──► LIVE
       └──────cursor < feed──► BEHIND                   BEHIND ──cursor > feed──► AHEAD ──news──► BEHIND

AHEAD: a snapshot may show a commit a moment before its news arrive here. The frames of a commit are
built once for all live followers. Receipts go the same way, with revisions in place of positions.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from peerpost_protocol.frames import CardNotice, Item, ReceiptNotice, encode_frame
from peerpost_relay.followers import Feed, Follow, Follower
from peerpost_relay.framing import frame
from peerpost_relay.notices import delivery, notices
from peerpost_relay.outcomes import Appended, Entered, Receipted
from peerpost_relay.reading import Opening, Page
from peerpost_relay.settings import RelaySettings, Renewable

Join = Callable[[Follower, bytes, int], None]


class FanOut(Renewable):
    """Know all followers; free of tasks and of the store."""

    def __init__(self, settings: RelaySettings, join: Join, wake: Callable[[], None]) -> None:
        self._settings = settings
        self._join = join  # a follower of everything was added to a channel at a position
        self._wake = wake  # somebody is behind
        self._feeds: dict[bytes, Feed] = {}
        self._everything: dict[bytes, dict[Follower, None]] = {}
        self._opening = 0
        self._recent: dict[bytes, tuple[int, int]] = {}
        self.behind: deque[Follower] = deque()

    # -- following -------------------------------------------------------------------------------

    def begin(self, follower: Follower, *, everything: bool) -> None:
        """Note that the beginning of a subscription is being read; `opened` must follow."""
        self._opening += 1
        follower.opening += 1
        if everything and not follower.everything:
            follower.everything = True
            self._everything.setdefault(follower.card, {})[follower] = None

    def opened(self, follower: Follower, openings: Iterable[Opening]) -> None:
        """Follow the channels from where their readers stand."""
        follower.opening -= 1
        for opening in openings:
            if not follower.gone and opening.state.channel not in follower.follows:
                self._follow(follower, opening)
        self._opening -= 1
        if not self._opening:
            self._recent.clear()
        joining, follower.joining = follower.joining, {}
        for channel, position in joining.items():
            self._joined(follower, channel, position)

    def leave(self, follower: Follower) -> None:
        """Forget a follower whose connection is gone."""
        follower.gone = True
        for follow in list(follower.follows.values()):
            self._unfollow(follow)
        others = self._everything.get(follower.card, {})
        others.pop(follower, None)
        if not others:
            self._everything.pop(follower.card, None)

    def writable(self, follower: Follower) -> None:
        """Go on with a follower that has read what it was sent."""
        if follower.behind:
            self._line_up(follower)

    # -- what was committed ----------------------------------------------------------------------

    def committed(self, news: Sequence[Appended | Receipted]) -> None:
        """Deliver what one commit brought, in the order of the commit."""
        appended: dict[bytes, list[Appended]] = {}
        receipted: dict[bytes, dict[bytes, Receipted]] = {}
        for each in news:
            if isinstance(each, Appended):
                appended.setdefault(each.channel, []).append(each)
            else:
                receipted.setdefault(each.channel, {})[each.card] = each
        for channel, items in appended.items():
            self._note(channel, items[-1].item.position, 0)
            self._appended(channel, items)
        for channel, receipts in receipted.items():
            newest = sorted(receipts.values(), key=lambda receipt: receipt.revision)
            self._note(channel, 0, newest[-1].revision)
            self._receipted(channel, newest)

    def entered(self, news: Entered) -> None:
        """Tell all who share a channel with an identity how its history went on, and its own cards."""
        notice = CardNotice(news.identity, news.position, (news.wire,))
        data = frame(encode_frame(notice))
        feeds = filter(None, map(self._feeds.get, news.channels))
        told = dict.fromkeys(follow.follower for feed in feeds for follow in feed.follows)
        for card in news.cards:
            told.update(self._everything.get(card, {}))
        for follower in told:  # also to slow ones: a history is short, and a revocation urgent
            follower.sink.send(data)
        for card, channel, position in news.begun:
            for follower in self._everything.get(card, ()):
                self._joined(follower, channel, position)

    def _note(self, channel: bytes, position: int, revision: int) -> None:
        """Keep news for feeds that a subscription being opened will make."""
        if self._opening:
            known = self._recent.get(channel, (0, 0))
            self._recent[channel] = (max(known[0], position), max(known[1], revision))

    def _appended(self, channel: bytes, appended: list[Appended]) -> None:
        feed = self._feeds.get(channel)
        segment: list[Item] = []
        for each in appended:
            segment.append(each.item)
            if each.removed and feed is not None and each.item.position > feed.last:
                self._deliver(feed, segment)
                self._remove(feed, each.removed)
                segment = []
            for card in each.added:
                for follower in self._everything.get(card, ()):
                    self._joined(follower, channel, each.item.position)
        if segment and feed is not None:
            self._deliver(feed, segment)

    def _deliver(self, feed: Feed, items: list[Item]) -> None:
        items = [item for item in items if item.position > feed.last]
        if not items:
            return  # a snapshot told before
        before, feed.last = feed.last, items[-1].position
        if items[0].position == before + 1:
            late = self._send_items(feed, items) if feed.live else []
        else:  # news were lost, as when a commit fails to say that it succeeded: the store knows
            late, feed.live = list(feed.live), {}
        for follow in late:
            follow.after, follow.receipts_after = before, feed.receipts
        self._queue(late)
        self._meet(feed)

    def _receipted(self, channel: bytes, receipts: list[Receipted]) -> None:
        feed = self._feeds.get(channel)
        if feed is None or receipts[-1].revision <= feed.receipts:
            return
        before, feed.receipts = feed.receipts, receipts[-1].revision
        late = self._send_receipts(feed, notices(receipts)) if feed.live else []
        for follow in late:
            follow.after, follow.receipts_after = feed.last, before
        self._queue(late)
        self._meet(feed)

    def _send_items(self, feed: Feed, items: list[Item]) -> list[Follow]:
        """Send items to all live, their author too; return who is live no more.

        That is who has too much unread; it is sent nothing of these. This loop is the hot path: a
        delivery is one call, one look at a number and one append to a list.
        """
        data = delivery(feed.channel, items)
        bound = self._settings.live_bytes_max
        late = [follow for follow, sink in feed.live.items() if not sink.offer(data, bound)]
        return _late(feed, late)

    def _send_receipts(self, feed: Feed, framed: list[tuple[bytes, bytes]]) -> list[Follow]:
        """Send (author, frame)s to all live but their authors; return who is live no more."""
        bound = self._settings.live_bytes_max
        late = []
        for follow, sink in feed.live.items():
            if sink.buffered > bound:
                late.append(follow)
                continue
            for author, data in framed:
                if author != follow.follower.card:
                    sink.send(data)
        return _late(feed, late)

    def _meet(self, feed: Feed) -> None:
        """Look again at those whom a snapshot had told more than the feed knew."""
        if feed.ahead:
            ahead, feed.ahead = feed.ahead, []
            self._queue(ahead)

    def _remove(self, feed: Feed, cards: tuple[bytes, ...]) -> None:
        """End the live following of removed cards; those behind end when they read so far."""
        gone = set(cards)
        for follow in [follow for follow in feed.live if follow.follower.card in gone]:
            self._end(follow, feed.last)

    def _end(self, follow: Follow, last: int) -> None:
        """Stop following a channel after its last position for this card."""
        follow.follower.joining.pop(follow.feed.channel, None)
        follow.follower.ended[follow.feed.channel] = last
        self._unfollow(follow)

    def _joined(self, follower: Follower, channel: bytes, position: int) -> None:
        if position <= follower.ended.get(channel, 0):
            return  # a snapshot told before
        if follower.opening or channel in follower.follows:
            follower.joining[channel] = position  # looked at again when that is over
        elif not follower.gone:
            self._join(follower, channel, position)

    # -- catching up -----------------------------------------------------------------------------

    def next_behind(self, count: int) -> list[Follow]:
        """Return up to `count` that want a page now; park followers that do not read.

        Followers take turns, each with one channel: who follows thousands keeps nobody waiting.
        """
        found: list[Follow] = []
        while self.behind and len(found) < count:
            follower = self.behind.popleft()
            follower.queued = False
            if follower.gone:
                follower.behind.clear()
                continue
            if follower.sink.buffered > self._settings.page_bytes_max:
                continue
            follow = follower.behind.popleft()
            if follower.behind:
                self._line_up(follower)
            if self._is_ahead(follow):
                follow.feed.ahead.append(follow)
            else:
                found.append(follow)
        return found

    def not_read(self, follows: Iterable[Follow]) -> None:
        """Let those wait again whose pages could not be read."""
        self._queue(follows)

    def page_read(self, follow: Follow, page: Page) -> None:
        """Send a page that was read after the follower's cursor, and see where that leads."""
        follower = follow.follower
        if follower.gone:
            return
        if page.items:
            follower.sink.send(delivery(follow.feed.channel, page.items))
        for receipt in page.receipts:
            notice = ReceiptNotice(follow.feed.channel, receipt.revision, receipt.signed)
            follower.sink.send(frame(encode_frame(notice)))
        follow.after, follow.receipts_after = page.reached, page.receipts_reached
        if page.ended:
            channel = follow.feed.channel
            again = follower.joining.get(channel)
            self._end(follow, page.reached)
            if again is not None:
                self._joined(follower, channel, again)
        elif self._is_level(follow):
            follow.feed.live[follow] = follower.sink
        else:
            self._queue([follow])

    def _is_level(self, follow: Follow) -> bool:
        feed = follow.feed
        return (follow.after, follow.receipts_after) == (feed.last, feed.receipts)

    def _is_ahead(self, follow: Follow) -> bool:
        feed = follow.feed
        beyond = follow.after >= feed.last and follow.receipts_after >= feed.receipts
        return beyond and not self._is_level(follow)

    def _follow(self, follower: Follower, opening: Opening) -> None:
        channel = opening.state.channel
        feed = self._feeds.get(channel)
        if feed is None:
            last, receipts = self._recent.get(channel, (0, 0))
            last, receipts = max(last, opening.state.last), max(receipts, opening.receipts)
            feed = self._feeds[channel] = Feed(channel, last, receipts)
        follow = Follow(follower, feed, opening.after, opening.receipts_after)
        follower.follows[channel] = follow
        feed.follows[follow] = None
        # A snapshot that is ahead of the news may show a membership that has not begun for them
        # yet: then a page says, read no further than the news, whether the card may go on.
        if opening.present and opening.state.last == feed.last and self._is_level(follow):
            feed.live[follow] = follower.sink
        else:
            self._queue([follow])

    def _unfollow(self, follow: Follow) -> None:
        feed = follow.feed
        feed.live.pop(follow, None)
        feed.follows.pop(follow, None)
        if follow in feed.ahead:
            feed.ahead.remove(follow)
        follow.follower.follows.pop(feed.channel, None)
        if not feed.follows:
            self._feeds.pop(feed.channel, None)

    def _queue(self, follows: Iterable[Follow]) -> None:
        for follow in follows:
            follow.follower.behind.append(follow)
            self._line_up(follow.follower)

    def _line_up(self, follower: Follower) -> None:
        if not follower.queued:
            follower.queued = True
            self.behind.append(follower)
            self._wake()


def _late(feed: Feed, late: list[Follow]) -> list[Follow]:
    for follow in late:
        del feed.live[follow]
    return late
