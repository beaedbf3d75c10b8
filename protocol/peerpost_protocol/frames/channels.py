"""Frames about rosters, streams and receipts."""

from typing import Annotated

from msgspec import Meta

from peerpost_protocol import limits
from peerpost_protocol.frames.parts import (
    ChannelState,
    Cursor,
    Item,
    Request,
    Revision,
)
from peerpost_protocol.signing import Signed
from peerpost_protocol.wire import (
    Counter,
    Digest,
    WireStruct,
)


class SubmitRosterEvent(WireStruct, frozen=True, tag="submit_roster_event"):
    """Begin a channel or change its membership."""

    request: Request
    event: Signed


class ReadRoster(WireStruct, frozen=True, tag="read_roster"):
    """Read a channel's roster events from `position` on."""

    request: Request
    channel: Digest
    position: Counter


class Publish(WireStruct, frozen=True, tag="publish"):
    """Publish an envelope. Idempotent by message id: the same bytes are answered with the same position."""

    request: Request
    envelope: Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_ENVELOPE)]


class ReadStream(WireStruct, frozen=True, tag="read_stream"):
    """Read a channel's stream after a position."""

    request: Request
    channel: Digest
    after: Counter
    limit: Annotated[int, Meta(ge=1, le=limits.MAX_ITEMS_PER_FRAME)]


class Subscribe(WireStruct, frozen=True, tag="subscribe"):
    """Follow channels from cursors on; `everything`: also every other channel this card is in, and those to come."""

    request: Request
    cursors: Annotated[tuple[Cursor, ...], Meta(max_length=limits.MAX_CHANNELS_PER_CARD)]
    everything: bool


class PostReceipt(WireStruct, frozen=True, tag="post_receipt"):
    """Post this card's receipt for a channel; the newest by position stands."""

    request: Request
    receipt: Signed


class ResumeChain(WireStruct, frozen=True, tag="resume_chain"):
    """Say where this card's chain in a channel stands, when the relay has lost the end of it."""

    request: Request
    channel: Digest
    sequence: Counter
    head: Digest


class RosterPage(WireStruct, frozen=True, tag="roster_page"):
    """Answer `read_roster`; `more` says that events follow the last one here."""

    request: Request
    channel: Digest
    events: Annotated[tuple[Signed, ...], Meta(max_length=limits.MAX_ROSTER_EVENTS_PER_FRAME)]
    more: bool


class StreamPage(WireStruct, frozen=True, tag="stream_page"):
    """Answer `read_stream`. `last` is the channel's newest position."""

    request: Request
    channel: Digest
    items: Annotated[tuple[Item, ...], Meta(max_length=limits.MAX_ITEMS_PER_FRAME)]
    last: Counter
    recovered: bool


class Subscribed(WireStruct, frozen=True, tag="subscribed"):
    """Answer `subscribe`; the items follow as `deliver` frames, stored ones first, without gap or double."""

    request: Request
    states: Annotated[tuple[ChannelState, ...], Meta(max_length=limits.MAX_CHANNELS_PER_CARD)]


class Deliver(WireStruct, frozen=True, tag="deliver"):
    """Bring items of a channel, in the order of their positions."""

    channel: Digest
    items: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=limits.MAX_ITEMS_PER_FRAME)]


class Joined(WireStruct, frozen=True, tag="joined"):
    """Say that a channel came to the subscription: this card was added to it."""

    state: ChannelState


class ReceiptNotice(WireStruct, frozen=True, tag="receipt_notice"):
    """Bring another card's receipt; `revision` counts the receipts of the channel."""

    channel: Digest
    revision: Revision
    receipt: Signed
