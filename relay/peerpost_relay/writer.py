"""The only writer: everything that waits goes into one transaction, one fsync is in flight.

While a group is being committed, the next one gathers. Each operation of a group stands or falls by
itself (the store's savepoints); only when the store fails does a whole group fall together. Answers
go out after the commit, then the news to the followers, both in the tick in which the commit ended.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from peerpost_protocol.refusals import Refusal
from peerpost_relay.errors import RefusalError, StoreError
from peerpost_relay.outcomes import News, Outcome
from peerpost_relay.settings import RelaySettings, Renewable
from peerpost_relay.store import Operation, Store

log = logging.getLogger(__name__)


class Write(Struct, frozen=True):
    """Be an operation that waits for the next group, and who wants to know how it ended."""

    operation: Operation[Any]
    answer: Callable[[Any], None]  # of the operation's result or a RefusalError


class Writer(Renewable):
    """Own the inbox of operations and the task that commits them."""

    def __init__(
        self, settings: RelaySettings, store: Store, fan_out: Callable[[Sequence[News]], None]
    ) -> None:
        self._settings = settings
        self._store = store
        self._fan_out = fan_out
        self._inbox: list[Write] = []
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self.groups = self.operations = self.lost = 0  # since the start: committed, and not
        self.failing: Refusal | None = None  # why the newest group was lost, None when it was not

    @property
    def backlog(self) -> int:
        """Count the operations that wait."""
        return len(self._inbox)

    @property
    def idle(self) -> bool:
        """Tell whether nothing waits and nothing is being committed."""
        return self._idle.is_set()

    def put(self, write: Write) -> None:
        """Let an operation wait for the next group; whoever puts many awaits `room` between."""
        self._inbox.append(write)
        self._filled.set()
        self._idle.clear()
        if len(self._inbox) >= self._settings.writer_operations_max:
            self._room.clear()

    async def room(self) -> None:
        """Wait until the inbox is not full."""
        await self._room.wait()

    async def drained(self) -> None:
        """Wait until everything put so far has been answered."""
        await self._idle.wait()

    async def run(self) -> None:
        """Commit until cancelled."""
        while True:
            await self._filled.wait()
            group = self._inbox[: self._settings.group_operations_max]
            del self._inbox[: len(group)]
            self._room.set()
            await self._commit(group)
            if not self._inbox:
                self._filled.clear()
                self._idle.set()

    async def _commit(self, group: list[Write]) -> None:
        try:
            results = await self._store.write([write.operation for write in group])
        except StoreError as error:
            self._lost(group, error)
            return
        if self.failing is not None:
            log.info("the store works again")
        self.failing = None
        self.groups += 1
        self.operations += len(group)
        for write, result in zip(group, results, strict=True):
            write.answer(result)
        news = [r.news for r in results if isinstance(r, Outcome) and r.news is not None]
        if news:
            self._fan_out(news)

    def _lost(self, group: list[Write], error: StoreError) -> None:
        if self.failing is not error.kind:
            log.error("a group of %d was lost: %s", len(group), error)
        self.failing = error.kind
        self.lost += len(group)
        refusal = RefusalError(
            error.kind,
            "nothing was stored; try again later",
            retry_after_ms=self._settings.retry_after_ms,
        )
        for write in group:
            write.answer(refusal)
