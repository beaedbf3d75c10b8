"""Frames about cards: the directory, the histories of identities, the proof of one by e-mail."""

from typing import Annotated

from msgspec import Meta

from peerpost_protocol import limits
from peerpost_protocol.frames.parts import (
    CardRecord,
    Code,
    Request,
    Token,
)
from peerpost_protocol.history import Entries
from peerpost_protocol.identity import Domain, Identity
from peerpost_protocol.signing import Signed
from peerpost_protocol.wire import (
    Counter,
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


class SearchDomain(WireStruct, frozen=True, tag="search_domain"):
    """Ask for the live cards of a domain's identities, in the order of their names, after `after`."""

    request: Request
    domain: Domain
    after: Identity | None


class ReadWaitingCards(WireStruct, frozen=True, tag="read_waiting_cards"):
    """Ask for the cards of one's own identity that wait for an endorsement."""

    request: Request


class SubmitStatement(WireStruct, frozen=True, tag="submit_statement"):
    """Endorse, revoke or succeed a card of one's own identity."""

    request: Request
    statement: Signed


class ReadHistory(WireStruct, frozen=True, tag="read_history"):
    """Read an identity's history from `position` on."""

    request: Request
    identity: Identity
    position: Counter


class HistoryPage(WireStruct, frozen=True, tag="history_page"):
    """Answer `read_history`. `length`: of the whole; the reader asks again while it has less."""

    request: Request
    identity: Identity
    entries: Entries
    length: Counter


class CardNotice(WireStruct, frozen=True, tag="card_notice"):
    """Bring new entries of a history, the first of which stands at `position`."""

    identity: Identity
    position: Counter
    entries: Entries


class StartProof(WireStruct, frozen=True, tag="start_proof"):
    """Ask for a code by e-mail to the card's identity."""

    request: Request
    card: Signed


class ConfirmProof(WireStruct, frozen=True, tag="confirm_proof"):
    """Bring the code: the card is `verified` from here on, and published if it was not."""

    request: Request
    card: Signed
    code: Code
