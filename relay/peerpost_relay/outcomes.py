"""What a committed operation means for others: the answer to its author, and what to fan out."""

from msgspec import Struct

from peerpost_protocol.frames import Item
from peerpost_protocol.history import HistoryEntry
from peerpost_protocol.signing import Signed


class Appended(Struct, frozen=True):
    """Say that an item was put at the end of a channel, and which cards came and went with it."""

    channel: bytes
    item: Item
    added: tuple[bytes, ...] = ()
    removed: tuple[bytes, ...] = ()


class Receipted(Struct, frozen=True):
    """Say that a card's receipt was stored."""

    channel: bytes
    card: bytes
    revision: int
    signed: Signed


class Entered(Struct, frozen=True):
    """Say that a history went on.

    `cards`: all of the identity that count or did; `begun`: which of them came into which channels at which position.
    `channels`: all that the identity is in, for those who share one. `ended`: the cards whose sessions are over.
    """

    identity: str
    position: int
    wire: HistoryEntry
    cards: tuple[bytes, ...]
    channels: tuple[bytes, ...] = ()
    begun: tuple[tuple[bytes, bytes, int], ...] = ()
    ended: tuple[bytes, ...] = ()


News = Appended | Receipted | Entered


class Outcome(Struct, frozen=True):
    """Be the result of an operation; `position` and `subject` go into `accepted`.

    `news` is None when the same had been committed before.
    """

    subject: bytes
    position: int
    news: News | None = None
