"""Frames: what client and relay say to each other, one binary WebSocket message each.

A frame is a msgpack array: the tag, then the fields in their order. `request` is the client's own number for a request;
the answer repeats it. docs/protocol/frames.md says for each frame who may send it, what answers and what may go wrong.
"""

from enum import IntEnum, StrEnum
from typing import Annotated

from msgspec import Meta

from peerpost_protocol import limits
from peerpost_protocol.identity import Identity
from peerpost_protocol.signing import Signed
from peerpost_protocol.wire import (
    Counter,
    Decoder,
    Digest,
    Key,
    Milliseconds,
    Nonce,
    SignatureBytes,
    WireStruct,
    encode,
)

PROTOCOL_VERSION = 1
SUBPROTOCOL = "peerpost.v1"

Request = Annotated[int, Meta(ge=0, le=limits.MAX_REQUEST)]
Token = Annotated[str, Meta(min_length=1, max_length=limits.MAX_TOKEN_CHARACTERS)]
Detail = Annotated[str, Meta(max_length=limits.MAX_DETAIL_CHARACTERS)]
Kind = Annotated[str, Meta(max_length=limits.MAX_KIND_CHARACTERS)]
Agent = Annotated[str, Meta(max_length=limits.MAX_AGENT_CHARACTERS)]
Revision = Counter


class Attestation(StrEnum):
    """Say what stands behind a card's identity at this relay."""

    UNVERIFIED = "unverified"
    AUTHORIZED = "authorized"
    VERIFIED = "verified"


class ItemKind(IntEnum):
    """Say what stands at a position of a channel's stream."""

    ROSTER_EVENT = 0
    ENVELOPE = 1


# --- parts of frames


class CardRecord(WireStruct, frozen=True):
    """Be a card with what the relay says of it."""

    card: Signed
    attestation: Attestation
    revoked_at_ms: Milliseconds | None


class Item(WireStruct, frozen=True):
    """Be one thing in a channel's stream. `body`: an encoded `Signed` (event) or envelope."""

    position: Annotated[int, Meta(ge=1, le=limits.MAX_COUNTER)]
    kind: ItemKind
    stored_at_ms: Milliseconds
    body: Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_ENVELOPE)]


class Cursor(WireStruct, frozen=True):
    """Say where a reader stands in a channel: the last position and receipt revision it has."""

    channel: Digest
    after: Counter
    receipts_after: Revision


class ChannelState(WireStruct, frozen=True):
    """Say where a channel stands for this card when a subscription begins.

    `first`: the first position this card may read. `oldest`: the first one still stored. `own_sequence` and `own_head`:
    this card's last envelope here. `recovered`: everything after the reader's cursor is still there.
    """

    channel: Digest
    last: Counter
    first: Counter
    oldest: Counter
    roster_position: Counter
    roster_head: Digest
    own_sequence: Counter
    own_head: Digest | None
    recovered: bool


# --- the handshake


class Hello(WireStruct, frozen=True, tag="hello"):
    """Begin a session (client)."""

    version: Counter
    client_nonce: Nonce
    agent: Agent


class ChallengeFrame(WireStruct, frozen=True, tag="challenge"):
    """Answer `hello` (relay): its id, its nonce, its time, its signature over the challenge."""

    relay: Key
    relay_nonce: Nonce
    at_ms: Milliseconds
    signature: SignatureBytes


class Authenticate(WireStruct, frozen=True, tag="authenticate"):
    """Prove a card's key over the challenge (client)."""

    card: Digest
    signature: SignatureBytes


class Welcome(WireStruct, frozen=True, tag="welcome"):
    """Open the session (relay). `epoch` names the store: positions of another epoch mean nothing here."""

    card: Digest
    attestation: Attestation
    epoch: Annotated[bytes, Meta(min_length=16, max_length=16)]


# --- requests


class PublishCard(WireStruct, frozen=True, tag="publish_card"):
    """Publish a card, before or after authentication."""

    request: Request
    card: Signed
    token: Token | None


class SearchCards(WireStruct, frozen=True, tag="search_cards"):
    """Ask for the live cards of identities."""

    request: Request
    identities: Annotated[
        tuple[Identity, ...], Meta(min_length=1, max_length=limits.MAX_SEARCH_IDENTITIES)
    ]


class FetchCards(WireStruct, frozen=True, tag="fetch_cards"):
    """Ask for cards by id, live or not."""

    request: Request
    cards: Annotated[tuple[Digest, ...], Meta(min_length=1, max_length=limits.MAX_FETCH_CARDS)]


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


# --- answers


class Accepted(WireStruct, frozen=True, tag="accepted"):
    """Say that something is durable: a card (`subject` its id), an event or envelope (`subject` the channel)."""

    request: Request
    subject: Digest
    position: Counter


class Cards(WireStruct, frozen=True, tag="cards"):
    """Answer a search or a fetch; what is not known is not in it."""

    request: Request
    records: Annotated[tuple[CardRecord, ...], Meta(max_length=limits.MAX_CARDS_PER_ANSWER)]


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


class Refused(WireStruct, frozen=True, tag="refused"):
    """Refuse a request. `kind` is one of refusals.py; `come_back`: the same may succeed later."""

    request: Request
    kind: Kind
    detail: Detail
    field: Annotated[str, Meta(max_length=limits.MAX_DETAIL_CHARACTERS)] | None
    subject: Digest | None
    come_back: bool
    retry_after_ms: Milliseconds | None


# --- what the relay says unasked


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


class Closing(WireStruct, frozen=True, tag="closing"):
    """Say why the session ends, just before it does."""

    kind: Kind
    detail: Detail
    come_back: bool
    retry_after_ms: Milliseconds | None


ClientFrame = (
    Hello
    | Authenticate
    | PublishCard
    | SearchCards
    | FetchCards
    | SubmitRosterEvent
    | ReadRoster
    | Publish
    | ReadStream
    | Subscribe
    | PostReceipt
    | ResumeChain
)
RelayFrame = (
    ChallengeFrame
    | Welcome
    | Accepted
    | Cards
    | RosterPage
    | StreamPage
    | Subscribed
    | Refused
    | Deliver
    | Joined
    | ReceiptNotice
    | Closing
)

decode_client_frame = Decoder[ClientFrame](ClientFrame, "frame", limits.MAX_FRAME)
decode_relay_frame = Decoder[RelayFrame](RelayFrame, "frame", limits.MAX_FRAME)
decode_signed = Decoder[Signed](Signed, "signed", limits.MAX_FRAME)


def encode_frame(frame: ClientFrame | RelayFrame) -> bytes:
    """Return the frame's bytes; raise TooLargeError over MAX_FRAME."""
    return encode(frame)
