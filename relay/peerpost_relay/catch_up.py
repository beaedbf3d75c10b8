"""Bring those who are behind forward: one task, one page each, round and round.

The pages of several followers are read from one snapshot, on a connection of the store that nobody else uses: neither
waits for the questions of others, nor they for a page. A follower
that does not read its socket is parked until it is writable, so nobody waits for it.
"""

import asyncio
import logging
from collections import Counter
from functools import partial

from peerpost_relay.errors import StoreError
from peerpost_relay.fan_out import FanOut
from peerpost_relay.followers import Follow
from peerpost_relay.reading import Page, Reach, page
from peerpost_relay.settings import RelaySettings, Renewable
from peerpost_relay.store import Snapshot, Store

RETRY_SECONDS = 0.5  # after the store failed to be read

_Wanted = tuple[int, bytes, Reach]  # card, channel

log = logging.getLogger(__name__)


class CatchUp(Renewable):
    """Own the task that reads pages."""

    def __init__(self, settings: RelaySettings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """Say that somebody is behind."""
        self._awake.set()

    async def run(self, fan_out: FanOut) -> None:
        """Work until cancelled."""
        while True:
            await self._awake.wait()
            self._awake.clear()
            while follows := fan_out.next_behind(self._settings.page_batch_max):
                await self._bring(fan_out, follows)

    async def _bring(self, fan_out: FanOut, follows: list[Follow]) -> None:
        pages_of = Counter(follow.follower for follow in follows)
        wanted = [
            _wanted(follow, self._settings.page_bytes_max // pages_of[follow.follower])
            for follow in follows
        ]
        try:
            pages = await self._store.read_aside(partial(_pages, wanted=wanted))
        except StoreError as error:
            log.warning("catch-up could not read: %s", error)
            await asyncio.sleep(RETRY_SECONDS)
            fan_out.not_read(follows)
            return
        for follow, read in zip(follows, pages, strict=True):
            fan_out.page_read(follow, read)


def _wanted(follow: Follow, bytes_max: int) -> _Wanted:
    feed = follow.feed
    reach = Reach(follow.after, feed.last, follow.receipts_after, feed.receipts, bytes_max)
    return follow.follower.number, feed.channel, reach


def _pages(snapshot: Snapshot, *, wanted: list[_Wanted]) -> list[Page]:
    return [page(snapshot, *each) for each in wanted]
