"""The frames that many receivers get: each is built once."""

from collections.abc import Iterable, Sequence

from peerpost_protocol import limits
from peerpost_protocol.frames import Deliver, Item, ReceiptNotice, encode_frame
from peerpost_relay.framing import frame
from peerpost_relay.outcomes import Receipted


def delivery(channel: bytes, items: Sequence[Item]) -> bytes:
    """Return the framed items, in as few frames as they fit in."""
    frames = [frame(encode_frame(Deliver(channel, part))) for part in parts(items)]
    return frames[0] if len(frames) == 1 else b"".join(frames)


def notices(receipts: Iterable[Receipted]) -> list[tuple[bytes, bytes]]:
    """Return the author and the framed notice of each receipt."""
    frames = ((r.card, ReceiptNotice(r.channel, r.revision, r.signed)) for r in receipts)
    return [(card, frame(encode_frame(notice))) for card, notice in frames]


def parts(items: Sequence[Item]) -> Iterable[tuple[Item, ...]]:
    """Cut items into what single frames hold."""
    part: list[Item] = []
    size = 0
    for item in items:
        size += len(item.body)
        if part and (
            size > limits.MAX_ITEM_BYTES_PER_FRAME or len(part) == limits.MAX_ITEMS_PER_FRAME
        ):
            yield tuple(part)
            part, size = [], len(item.body)
        part.append(item)
    if part:
        yield tuple(part)
