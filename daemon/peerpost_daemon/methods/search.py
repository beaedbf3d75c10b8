"""message.search: find messages by their words."""

from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Meta, Struct

from peerpost_daemon import views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.pages import PageParam, place, written
from peerpost_daemon.methods.params import (
    ChannelParam,
    IdentityParam,
    allowed,
    identity,
    the_channel,
)
from peerpost_daemon.methods.times import TimeParam, time_ms
from peerpost_daemon.records import indexing
from peerpost_daemon.records.search import Wanted, search
from peerpost_daemon.records.search_query import QueryError, Term, terms
from peerpost_daemon.records.within import Within
from peerpost_daemon.rpc import Call, Method, Reach, Scope
from peerpost_daemon.vault.connection import SqlConnection

MAX_QUERY_CHARACTERS: Final = 500
MAX_FOUND: Final = 100
DEFAULT_FOUND: Final = 20
MAX_CATCH_UP: Final = 8
"""Batches that a search puts into the index before it looks; more are left to the background."""


class Search(Struct, frozen=True, forbid_unknown_fields=True):
    """Take the words, and where to look."""

    query: Annotated[str, Meta(min_length=1, max_length=MAX_QUERY_CHARACTERS)]
    channel: ChannelParam | None = None
    sender: IdentityParam | None = None
    since: TimeParam | None = None
    until: TimeParam | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_FOUND)] = DEFAULT_FOUND
    page: PageParam | None = None


class SearchMethods:
    """The method that searches."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare it."""
        errors = ("unknown_channel", "ambiguous_channel", "timeout", "storage_full")
        yield Method.of(
            "message.search",
            self.search,
            scope=Scope.RECEIVE,
            reach=Reach.CHANNELS,
            errors=errors,
        )

    async def search(self, params: Search, call: Call) -> views.Found:
        """Find messages by their words, the newest first."""
        asked, now_ms = _terms(params.query), self._daemon.clock()
        within = allowed(call, Scope.RECEIVE)
        await self._catch_up()
        return await self._daemon.read(lambda db: _found(db, params, asked, now_ms, within))

    async def _catch_up(self) -> None:
        for _ in range(MAX_CATCH_UP):
            if not await self._daemon.read(indexing.behind):
                return
            await self._daemon.write(indexing.batch)


def _terms(query: str) -> list[Term]:
    try:
        return terms(query)
    except QueryError as error:
        raise DaemonError("invalid_params", str(error), field="query") from None


def _found(
    db: SqlConnection, params: Search, asked: list[Term], now_ms: int, within: Within
) -> views.Found:
    wanted = Wanted(
        asked,
        _where(db, params.channel, within),
        None if params.sender is None else identity(params.sender, "sender"),
        None if params.since is None else time_ms(params.since, "since"),
        None if params.until is None else time_ms(params.until, "until"),
        None if params.page is None else place(params.page).cursor,
    )
    hits, more = search(db, wanted, params.limit, now_ms)
    shown = views.with_reactions(db, [hit.message for hit in hits])
    return views.Found(
        [views.Hit(message, hit.snippet) for message, hit in zip(shown, hits, strict=True)],
        written(hits[-1].message.cursor, onward=False) if more else None,
        complete=not indexing.behind(db),
    )


def _where(db: SqlConnection, channel: str | None, within: Within) -> frozenset[bytes] | None:
    """Return the channels to look in, None for all."""
    if channel is None:
        return within.ids(db)
    return frozenset({the_channel(db, channel, within=within).id})
