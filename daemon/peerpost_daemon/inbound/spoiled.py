"""Items that were spoiled on their way: read once more before they are called bad.

A path without TLS may flip a bit in an item and leave the frame around it whole. What the relay has is sound then, and
reading the position again brings it, in its place and before anything that follows it. A relay that lies gains one more
request by it, for a bounded number of items; what comes the second time is judged as it is.
"""

from collections.abc import Iterable, Mapping, Sequence

from peerpost_daemon.asking import Relay, ask
from peerpost_daemon.inbound.opening import Fault, Opened
from peerpost_daemon.link.errors import RefusedError
from peerpost_protocol.frames import Item, ReadStream, StreamPage

MAX_READ_AGAIN = 16
"""Items of one batch that are read again; a batch with more of them is not what a path does."""

_KINDS = frozenset(
    {"malformed", "too_large", "bad_signature", "bad_wraps", "unknown_card", "wrong_card"}
)

Place = tuple[bytes, int]
"""A channel and a position in its stream."""


class SpoiledError(Exception):
    """Say which items did not verify, before anything of their batch is stored."""

    def __init__(self, places: Sequence[Place]) -> None:
        super().__init__(f"{len(places)} items did not verify")
        self.places = places


def refuse_spoiled(opened: Iterable[tuple[bytes, list[tuple[Item, Opened]]]]) -> None:
    """Raise SpoiledError when some items, and not too many, may have been spoiled on their way."""
    places = [
        (channel, item.position)
        for channel, items in opened
        for item, thing in items
        if isinstance(thing, Fault) and thing.reason in _KINDS
    ]
    if 0 < len(places) <= MAX_READ_AGAIN:
        raise SpoiledError(places)


async def read_again(relay: Relay, places: Iterable[Place]) -> dict[Place, Item]:
    """Return the items as the relay sends them now, as far as it does. Raises LinkError."""
    found: dict[Place, Item] = {}
    for channel, position in places:
        try:
            page = await ask(relay, ReadStream(0, channel, position - 1, 1), StreamPage)
        except RefusedError:
            continue
        if page.items and page.items[0].position == position:
            found[channel, position] = page.items[0]
    return found


def mended(channel: bytes, items: Sequence[Item], found: Mapping[Place, Item]) -> tuple[Item, ...]:
    """Return the items with those that were read again in their places."""
    return tuple(found.get((channel, item.position), item) for item in items)
