"""Arrivals: what the link brings and the inbox has not taken yet, and what is said of it once it is stored."""

from typing import Protocol

from msgspec import Struct

from peerpost_protocol.frames import CardNotice, Item
from peerpost_protocol.signing import Signed


class Delivered(Struct, frozen=True):
    """Be items of a channel that wait to be processed."""

    channel: bytes
    items: tuple[Item, ...]
    size: int


class Receipted(Struct, frozen=True):
    """Be a receipt that waits to be processed."""

    channel: bytes
    revision: int
    receipt: Signed
    size: int


class Lacking(Struct, frozen=True):
    """Be a roster that the relay has and the stream did not bring: it is read from the roster's log."""

    channel: bytes
    roster_position: int
    size: int = 0


class Joining(Struct, frozen=True):
    """Be a channel that is not known here and that the relay counts this card in, with its roster's position."""

    channel: bytes
    roster_position: int
    size: int = 0


class Noticed(Struct, frozen=True):
    """Be news of a history that waits to be processed."""

    news: CardNotice
    size: int


Arrived = Delivered | Receipted | Lacking | Joining | Noticed


class News(Struct, frozen=True):
    """Be what a commit may have given others to do.

    `may_go`: more of the outbox is ready, a roster or the trust in a contact changed. `others`: something of others is
    here, for which a receipt is due. `files`: something that came has files.
    """

    may_go: bool = False
    others: bool = False
    files: bool = False

    def __or__(self, other: "News") -> "News":
        """Return both."""
        return News(
            self.may_go or other.may_go, self.others or other.others, self.files or other.files
        )


ANYTHING = News(may_go=True, others=True, files=True)


class Stored(Protocol):
    """Be told after each commit."""

    def __call__(self, news: News) -> None:
        """Look at what there may be to do."""
