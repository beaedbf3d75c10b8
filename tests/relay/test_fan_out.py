"""The hand-over between store and live delivery, against a list that cannot be wrong.

The store is real (SQLite in memory) and so are the pages; only time is taken apart: a commit and
its news, a snapshot and its answer, a page and its arrival are steps of their own, in any order.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerpost_protocol import frames as f
from peerpost_protocol.roster import Member, Role, Roster
from peerpost_protocol.signing import Signed
from peerpost_relay import reading
from peerpost_relay.fan_out import FanOut
from peerpost_relay.followers import Follow, Follower
from peerpost_relay.notices import parts
from peerpost_relay.outcomes import Appended, Receipted
from peerpost_relay.reading import Opening, Page, Reach
from peerpost_relay.settings import RelaySettings
from peerpost_relay.sqlite_store.schema import migrate
from peerpost_relay.sqlite_store.transaction import SqliteTransaction
from peerpost_relay.store import StoredReceipt

CHANNEL = b"c" * 32
AUTHOR = b"a" * 32
AUTHOR_NUMBER = 99
SLOW = RelaySettings(live_bytes_max=400, page_bytes_max=150)


class Recorder:
    """Be a socket: remember what it is sent, and hold it until somebody reads."""

    def __init__(self) -> None:
        self.unread = 0
        self.frames: list[f.RelayFrame] = []
        self.sent: list[bytes] = []

    @property
    def buffered(self) -> int:
        return self.unread

    def send(self, framed: bytes) -> None:
        self.unread += len(framed)
        self.sent.append(framed)
        head = 2 if framed[1] < 126 else 4 if framed[1] == 126 else 10
        self.frames.append(f.decode_relay_frame(framed[head:]))

    def offer(self, framed: bytes, bytes_max: int) -> bool:
        if self.buffered > bytes_max:
            return False
        self.send(framed)
        return True

    def positions(self) -> list[int]:
        delivered = [frame for frame in self.frames if isinstance(frame, f.Deliver)]
        return [item.position for frame in delivered for item in frame.items]

    def revisions(self) -> list[int]:
        return [frame.revision for frame in self.frames if isinstance(frame, f.ReceiptNotice)]


class World:
    """Be one channel with its store, its fan-out, and everything that is on its way."""

    def __init__(self, db: sqlite3.Connection, readers: int) -> None:
        migrate(db)
        self.store = SqliteTransaction(db)
        self.news: list[list[Appended | Receipted]] = []
        self.openings: list[tuple[Follower, list[Opening]]] = []
        self.pages: list[tuple[Follow, Page]] = []
        self.fan_out = FanOut(SLOW, self.join, lambda: None)
        self.sinks = [Recorder() for _ in range(readers)]
        self.followers = [
            Follower(sink, bytes([number]) * 32, number) for number, sink in enumerate(self.sinks)
        ]
        self.present = [True] * readers
        self.expected: list[list[int]] = [[] for _ in range(readers)]
        members = {"a@b.c": Member("a@b.c", Role.OWNER, (AUTHOR,))}
        self.channel = self.store.add_channel(
            CHANNEL,
            Roster(CHANNEL, name="", direct=False, position=0, head=CHANNEL, members=members),
            None,
        )
        self.store.add_event(CHANNEL, self.channel.number, 0, 1)
        for number in range(readers):
            self.store.begin_membership(self.channel.number, number, 1)
        self.commit(1)

    def commit(self, count: int, *, toggled: int | None = None) -> None:
        """Commit `count` items; the last one adds or removes reader `toggled`."""
        group: list[Appended | Receipted] = []
        for index in range(count):
            changed = toggled if index == count - 1 else None
            group.append(self.append(changed))
        self.news.append(group)

    def append(self, toggled: int | None) -> Appended:
        channel = self.store.channel(CHANNEL)
        assert channel is not None
        item = f.Item(channel.last + 1, f.ItemKind.ENVELOPE, 0, b"x" * 40)
        self.store.append(channel, item, None)
        readers = {number for number, present in enumerate(self.present) if present}
        if toggled is None:
            self.expect(readers, item.position)
            return Appended(CHANNEL, item)
        self.expect(readers | {toggled}, item.position)
        card = (self.followers[toggled].card,)
        self.present[toggled] = not self.present[toggled]
        if self.present[toggled]:
            self.store.begin_membership(channel.number, toggled, item.position)
            return Appended(CHANNEL, item, added=card)
        self.store.end_membership(channel.number, toggled, item.position)
        return Appended(CHANNEL, item, removed=card)

    def expect(self, readers: set[int], position: int) -> None:
        for number in readers:
            self.expected[number].append(position)

    def receipt(self) -> None:
        channel = self.store.channel(CHANNEL)
        assert channel is not None
        revision = channel.receipts + 1
        signed = Signed(b"receipt", b"s" * 64)
        self.store.put_receipt(channel.number, AUTHOR_NUMBER, StoredReceipt(1, revision, signed))
        self.news.append([Receipted(CHANNEL, AUTHOR, revision, signed)])

    def tell(self) -> None:
        if self.news:
            self.fan_out.committed(self.news.pop(0))

    def subscribe(self, number: int) -> None:
        follower = self.followers[number]
        self.fan_out.begin(follower, everything=True)
        had = self.sinks[number].positions()
        cursor = f.Cursor(CHANNEL, had[-1] if had else 0, 0)
        found = reading.openings(self.store, number, (cursor,), everything=True)
        self.openings.append((follower, found))

    def reconnect(self, number: int) -> None:
        """Break a reader's connection, and let it resume from what it had."""
        old = self.followers[number]
        self.fan_out.leave(old)
        self.sinks[number].unread = 0
        self.followers[number] = Follower(self.sinks[number], old.card, number)
        self.subscribe(number)

    def join(self, follower: Follower, channel: bytes, position: int) -> None:
        self.fan_out.begin(follower, everything=False)
        found = reading.joining(self.store, follower.number, channel, position)
        self.openings.append((follower, [found] if found else []))

    def answer(self) -> None:
        if self.openings:
            self.fan_out.opened(*self.openings.pop(0))

    def look(self) -> None:
        for follow in self.fan_out.next_behind(1):
            feed = follow.feed
            reach = Reach(follow.after, feed.last, follow.receipts_after, feed.receipts, 150)
            page = reading.page(self.store, follow.follower.number, CHANNEL, reach)
            self.pages.append((follow, page))

    def arrive(self) -> None:
        if self.pages:
            self.fan_out.page_read(*self.pages.pop(0))

    def read(self, number: int) -> None:
        self.sinks[number].unread = 0
        self.fan_out.writable(self.followers[number])

    def settle(self) -> None:
        """Let everything that is on its way arrive."""
        while self.news or self.openings or self.pages or self.fan_out.behind:
            self.tell()
            self.answer()
            self.look()
            self.arrive()
            for number in range(len(self.sinks)):
                self.read(number)


@contextmanager
def world(readers: int) -> Iterator[World]:
    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        yield World(db, readers)
    finally:
        db.close()


def step(name: str, *arguments: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.tuples(st.just(name), *arguments)


READER = st.integers(0, 1)
STEPS = st.lists(
    st.one_of(
        step("commit", st.integers(1, 5)),
        step("toggle", READER),
        step("receipt"),
        step("tell"),
        step("answer"),
        step("look"),
        step("arrive"),
        step("read", READER),
        step("reconnect", READER),
    ),
    max_size=60,
)


def play(played: World, steps: list[tuple[str, int]]) -> None:
    actions: dict[str, Callable[..., None]] = {
        "commit": played.commit,
        "toggle": lambda number: played.commit(2, toggled=number),
        "receipt": played.receipt,
        "tell": played.tell,
        "answer": played.answer,
        "look": played.look,
        "arrive": played.arrive,
        "read": played.read,
        "reconnect": played.reconnect,
    }
    for name, *arguments in steps:
        actions[name](*arguments)


@given(before=STEPS, after=STEPS)
@settings(max_examples=500, deadline=None)
def test_every_reader_gets_every_position_it_may_read_once_and_in_order(
    before: list[tuple[str, int]], after: list[tuple[str, int]]
) -> None:
    with world(readers=2) as played:
        played.subscribe(0)
        played.subscribe(1)
        play(played, before)
        play(played, after)
        played.settle()
        for number, sink in enumerate(played.sinks):
            assert sink.positions() == played.expected[number]


@given(steps=STEPS)
@settings(max_examples=200, deadline=None)
def test_receipts_reach_a_present_member_up_to_the_newest_and_never_twice(
    steps: list[tuple[str, int]],
) -> None:
    with world(readers=1) as played:
        played.subscribe(0)
        play(played, [each for each in steps if each[0] not in {"toggle", "reconnect", "read"}])
        played.receipt()
        played.settle()
        revisions = played.sinks[0].revisions()
        channel = played.store.channel(CHANNEL)
        assert channel is not None
        assert revisions[-1] == channel.receipts
        assert revisions == sorted(set(revisions))


def test_frames_of_a_commit_are_built_once_for_all_live_followers() -> None:
    with world(readers=2) as played:
        sent: list[bytes] = []
        for sink in played.sinks:
            sink.sent = sent
        played.subscribe(0)
        played.subscribe(1)
        played.settle()
        sent.clear()
        played.commit(3)
        played.tell()
        assert len(sent) == 2
        assert sent[0] is sent[1]


def test_a_slow_follower_stops_being_live_and_others_do_not_notice() -> None:
    with world(readers=2) as played:
        played.subscribe(0)
        played.subscribe(1)
        played.settle()
        for _ in range(10):
            played.commit(2)
            played.tell()
            played.sinks[1].unread = 0
        assert played.sinks[0].unread < SLOW.live_bytes_max + 300
        assert played.sinks[1].positions() == played.expected[1]
        played.settle()
        assert played.sinks[0].positions() == played.expected[0]


def test_lost_news_are_made_good_from_the_store() -> None:
    with world(readers=1) as played:
        played.subscribe(0)
        played.settle()
        played.commit(2)
        played.news.clear()
        played.commit(1)
        played.settle()
        assert played.sinks[0].positions() == [1, 2, 3, 4]


def test_a_follower_that_left_is_sent_nothing_and_remembered_nowhere() -> None:
    with world(readers=1) as played:
        played.subscribe(0)
        played.settle()
        played.fan_out.leave(played.followers[0])
        played.commit(1)
        played.settle()
        assert played.sinks[0].positions() == [1]
        assert not played.fan_out._feeds
        assert not played.fan_out._everything


@pytest.mark.parametrize(("sizes", "expected"), [([1] * 300, [256, 44]), ([300_000] * 3, [1] * 3)])
def test_items_are_cut_into_what_a_frame_holds(sizes: list[int], expected: list[int]) -> None:
    items = [f.Item(n + 1, f.ItemKind.ENVELOPE, 0, b"x" * size) for n, size in enumerate(sizes)]
    assert [len(part) for part in parts(items)] == expected


def behind(fan_out: FanOut, follower: Follower, channels: int) -> None:
    """Let a follower begin with so many channels from their beginnings."""
    ids = (bytes([number]) * 32 for number in range(channels))
    states = (f.ChannelState(id_, 9, 1, 1, 0, id_, 0, None, True, 0) for id_ in ids)  # noqa: FBT003
    fan_out.begin(follower, everything=False)
    fan_out.opened(follower, [Opening(state, 0, 0, 0, present=True) for state in states])


def test_who_follows_many_channels_keeps_nobody_waiting() -> None:
    fan_out = FanOut(RelaySettings(), lambda *_: None, lambda: None)
    greedy, modest = (Follower(Recorder(), card, 0) for card in (b"g" * 32, b"m" * 32))
    behind(fan_out, greedy, 100)
    behind(fan_out, modest, 1)
    assert [follow.follower for follow in fan_out.next_behind(3)] == [greedy, modest, greedy]
    assert len(fan_out.next_behind(200)) == 98


def test_who_does_not_read_is_parked_with_all_channels_and_goes_on_when_it_does() -> None:
    fan_out = FanOut(RelaySettings(), lambda *_: None, lambda: None)
    sink = Recorder()
    follower = Follower(sink, b"s" * 32, 0)
    behind(fan_out, follower, 3)
    sink.unread = RelaySettings().page_bytes_max + 1
    assert not fan_out.next_behind(10)
    sink.unread = 0
    fan_out.writable(follower)
    assert len(fan_out.next_behind(10)) == 3
