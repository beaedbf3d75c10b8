"""The parts that frames of several families share."""

from enum import IntEnum, StrEnum
from typing import Annotated

from msgspec import Meta

from peerpost_protocol import limits
from peerpost_protocol.history import CardState
from peerpost_protocol.signing import Signed
from peerpost_protocol.wire import (
    Counter,
    Digest,
    Milliseconds,
    WireStruct,
)

Request = Annotated[int, Meta(ge=0, le=limits.MAX_REQUEST)]
Token = Annotated[str, Meta(min_length=1, max_length=limits.MAX_TOKEN_CHARACTERS)]
Code = Annotated[str, Meta(min_length=1, max_length=limits.MAX_CODE_CHARACTERS)]
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


class CardRecord(WireStruct, frozen=True):
    """Be a card with what the relay says of it."""

    card: Signed
    attestation: Attestation
    revoked_at_ms: Milliseconds | None
    state: CardState
    endorsers: Annotated[tuple[Digest, ...], Meta(max_length=limits.MAX_CARDS_PER_MEMBER)]


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
    this card's last envelope here. `recovered`: everything after the reader's cursor is still there. `receipts`: the
    revision of the newest receipt by another card, all up to which follow; 0 for none.
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
    receipts: Revision
