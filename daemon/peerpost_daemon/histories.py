"""Histories, fetched: read what the relay has of them, believe only what continues what is known, store it judged.

Attacker: the relay. It can withhold the end of a history, give one that does not verify, or give less than it gave
before. What does not verify is not taken and sounds an alarm; how much the others know stands in their envelopes
(`inbound/checkpoints.py`).
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

from peerpost_daemon import kinship
from peerpost_daemon.asking import Relay, ask
from peerpost_daemon.link.errors import LinkError, RefusedError
from peerpost_daemon.records import alarms, lineage
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card
from peerpost_protocol.errors import ProtocolError
from peerpost_protocol.frames import CardNotice, HistoryPage, ReadHistory
from peerpost_protocol.history import History, HistoryEntry, open_history
from peerpost_protocol.limits import MAX_HISTORY_ENTRIES

FORGED: Final = "history_forged"
SHORTENED: Final = "history_withheld"

_log = logging.getLogger(__name__)


class Histories:
    """Read histories from one relay. `relay_key` is set once that relay has let us in."""

    def __init__(
        self, relay: Relay, database: Database, me: Card, *, now_ms: Callable[[], int]
    ) -> None:
        self.relay_key: bytes | None = None
        self._relay = relay
        self._database = database
        self._me = me
        self._now_ms = now_ms

    async def refresh(self, identities: Iterable[str]) -> bool:
        """Read what is new of histories; return whether the standing of any card changed. Raises LinkError."""
        changed = False
        for identity in sorted(set(identities)):
            changed |= await self._refresh(identity)
        return changed

    async def notice(self, news: CardNotice) -> bool:
        """Take entries that the relay brought unasked; return what `refresh` does. Raises LinkError."""
        known = await self._known(news.identity)
        length = known.length if known else 0
        if not news.position <= length < news.position + len(news.entries):
            return await self._refresh(news.identity) if length < news.position else False
        entries = news.entries[length - news.position :]
        after = await self._opened(news.identity, entries, known)
        return await self._store(after) if after else False

    async def _refresh(self, identity: str) -> bool:
        known = history = await self._known(identity)
        while True:
            page = await self._page(identity, history.length if history else 0)
            if page is None:
                break
            if known is not None and page.length < known.length:
                await self._alarm(SHORTENED, f"{identity}: {page.length} entries of {known.length}")
            after = await self._opened(identity, page.entries, history)
            if after is None or after is history:
                break
            history = after
            if history.length >= min(page.length, MAX_HISTORY_ENTRIES):
                break
        if history is None or (known is not None and history.length == known.length):
            return False
        return await self._store(history)

    async def _page(self, identity: str, position: int) -> HistoryPage | None:
        try:
            page = await ask(self._relay, ReadHistory(0, identity, position), HistoryPage)
        except RefusedError as error:
            if error.come_back:
                raise
            return None
        if page.identity != identity:
            raise LinkError("malformed", "the relay answered with another history")
        return page

    async def _opened(
        self, identity: str, entries: Iterable[HistoryEntry], known: History | None
    ) -> History | None:
        """Return the history after entries, up to the first that does not continue it, which is an alarm."""
        assert self.relay_key is not None
        after, fault = await asyncio.to_thread(_so_far, entries, self.relay_key, known)
        if fault is not None:
            await self._alarm(FORGED, f"{identity}: {fault}")
        if after is not None and after.identity != identity:
            await self._alarm(FORGED, f"{identity}: another identity's")
            return known
        return after

    async def _known(self, identity: str) -> History | None:
        return await self._database.read(lambda db: lineage.find(db, identity))

    async def _store(self, history: History) -> bool:
        now_ms = self._now_ms()

        def store(db: SqlConnection) -> bool:
            kept = lineage.keep(db, history)
            return kept and kinship.settle(db, history.identity, self._me, now_ms)

        return await self._database.write(store)

    async def _alarm(self, change: str, detail: str) -> None:
        _log.warning("the relay's history of an identity: %s", change)
        await self._database.write(lambda db: alarms.sound(db, change, detail, self._now_ms()))


def _so_far(
    entries: Iterable[HistoryEntry], relay: bytes, history: History | None
) -> tuple[History | None, str | None]:
    """Return the history after the entries that hold, and the kind of what is wrong with the next one."""
    for entry in entries:
        try:
            history = open_history([entry], relay, history)
        except ProtocolError as error:
            return history, error.kind
    return history, None
