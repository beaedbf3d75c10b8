"""What a committed operation means for others: the answer to its author, and what to fan out."""

from msgspec import Struct

from peerpost_protocol.frames import Item
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


class Outcome(Struct, frozen=True):
    """Be the result of an operation; `position` and `subject` go into `accepted`.

    `news` is None when the same had been committed before.
    """

    subject: bytes
    position: int
    news: Appended | Receipted | None = None
