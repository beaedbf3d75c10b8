"""What a search has found."""

from msgspec import Struct

from peerpost_daemon.records.search import Piece
from peerpost_daemon.views.message import Message


class Hit(Struct, frozen=True):
    """Show a message that was found; `snippet`: pieces of its text, with those that match marked."""

    message: Message
    snippet: list[Piece]


class Found(Struct, frozen=True):
    """Show messages, the newest first. `next`: the cursor of the next page; `complete`: everything was looked at."""

    hits: list[Hit]
    next: str | None
    complete: bool
