"""What a question of a client reads from the store, and who may ask it."""

from typing import Any

from peerpost_protocol.frames import (
    Cards,
    ClientFrame,
    FetchCards,
    ReadHistory,
    ReadRoster,
    ReadStream,
    ReadWaitingCards,
    SearchCards,
    SearchDomain,
)
from peerpost_protocol.refusals import Refusal
from peerpost_relay import directory, histories, reading
from peerpost_relay.errors import RefusalError
from peerpost_relay.session import Proven
from peerpost_relay.settings import RelaySettings
from peerpost_relay.store import Query, Snapshot


def query(
    settings: RelaySettings, proven: Proven, asked: ClientFrame, now_ms: int
) -> Query[Any] | None:
    """Return what reads the answer; None for a frame that asks for nothing of this."""
    match asked:
        case ReadRoster():
            return lambda s: reading.roster_page(s, proven.number, asked)
        case ReadStream():
            return lambda s: reading.stream_page(s, proven.number, asked)
        case ReadHistory(request, identity, position):
            return lambda s: histories.page(s, request, identity, position)
        case ReadWaitingCards(request):
            since_ms = now_ms - settings.waiting_ms
            return lambda s: Cards(request, directory.waiting(s, proven.card.id, since_ms))
        case _:
            return _search(settings, asked)


def _search(settings: RelaySettings, asked: ClientFrame) -> Query[Any] | None:
    match asked:
        case SearchCards(request, identities):
            return lambda s: Cards(request, directory.search(s, identities))
        case FetchCards(request, ids):
            return lambda s: Cards(request, tuple(s.records(ids)))
        case SearchDomain():
            return lambda s: _domain(s, asked, allowed=settings.allow_domain_search)
        case _:
            return None


def _domain(snapshot: Snapshot, asked: SearchDomain, *, allowed: bool) -> Cards:
    if not allowed:
        raise RefusalError(Refusal.NOT_OFFERED, "this relay searches no domains")
    return Cards(asked.request, directory.search_domain(snapshot, asked.domain, asked.after))
