"""Frames about cards."""

from typing import Annotated

from msgspec import Meta

from peerpost_protocol import limits
from peerpost_protocol.frames.parts import (
    CardRecord,
    Request,
    Token,
)
from peerpost_protocol.identity import Identity
from peerpost_protocol.signing import Signed
from peerpost_protocol.wire import (
    Digest,
    WireStruct,
)


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


class Cards(WireStruct, frozen=True, tag="cards"):
    """Answer a search or a fetch; what is not known is not in it."""

    request: Request
    records: Annotated[tuple[CardRecord, ...], Meta(max_length=limits.MAX_CARDS_PER_ANSWER)]
