"""Who follows which channel, and how far each has been told: what the fan-out (fan_out.py) moves."""

from collections import deque
from typing import Protocol


class Sink(Protocol):
    """Be what a follower is written to."""

    @property
    def buffered(self) -> int:
        """Count the bytes that were sent and not read yet."""

    def send(self, framed: bytes) -> None:
        """Send framed bytes."""

    def offer(self, framed: bytes, bytes_max: int) -> bool:
        """Send framed bytes unless more than so many are not read yet; return whether they were."""


class Feed:
    """Be a followed channel: what it has been told of, and who has seen exactly that."""

    __slots__ = ("ahead", "channel", "follows", "last", "live", "receipts")

    def __init__(self, channel: bytes, last: int, receipts: int) -> None:
        self.channel = channel
        self.last = last
        self.receipts = receipts
        self.live: dict[Follow, Sink] = {}
        self.ahead: list[Follow] = []
        self.follows: dict[Follow, None] = {}


class Follower:
    """Be one connection's subscription: the card it reads as, and the channels it follows."""

    __slots__ = (
        "behind", "card", "ended", "everything", "follows", "gone", "joining", "number", "opening",
        "queued", "sink",
    )  # fmt: skip

    def __init__(self, sink: Sink, card: bytes, number: int) -> None:
        self.sink = sink
        self.card = card
        self.number = number
        self.everything = False
        self.follows: dict[bytes, Follow] = {}
        self.behind: deque[Follow] = deque()  # that want pages
        self.queued = False  # in the fan-out's queue for them; otherwise parked until it reads
        self.opening = 0  # subscriptions whose beginning is being read
        self.joining: dict[bytes, int] = {}  # channels it was added to meanwhile, and where
        self.ended: dict[bytes, int] = {}  # how far it read the channels that it was removed from
        self.gone = False


class Follow:
    """Be one channel of one follower. `after` and `receipts_after` count only while not live."""

    __slots__ = ("after", "feed", "follower", "receipts_after")

    def __init__(self, follower: Follower, feed: Feed, after: int, receipts_after: int) -> None:
        self.follower = follower
        self.feed = feed
        self.after = after
        self.receipts_after = receipts_after
