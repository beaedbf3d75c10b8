"""Look after the store: remove what has expired, notice revocations, probe what failed.

One task, one round every `upkeep_seconds`. Expired envelopes go, and later their message ids,
a bounded batch in a transaction, through the one writer (sqlite_store/expired.py says what stays how long, reading.py
what readers see).
Cards are revoked by a command in another process, so the store is asked for them.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from peerpost_protocol.refusals import Refusal
from peerpost_relay.errors import RefusalError, StoreError
from peerpost_relay.settings import RelaySettings
from peerpost_relay.store import Store, Transaction
from peerpost_relay.writer import Write, Writer

OVERLAP_MS = 5_000  # a revocation may be committed a little after the time that it carries

log = logging.getLogger(__name__)


class Upkeep:
    """Own the task of the rounds; `revoked` is told the ids of newly revoked cards."""

    def __init__(
        self,
        settings: RelaySettings,
        store: Store,
        writer: Writer,
        revoked: Callable[[list[bytes]], None],
        clock: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._store = store
        self._writer = writer
        self._revoked = revoked
        self._clock = clock
        self._asked_at_ms = clock()
        self.readable = True  # the newest query succeeded

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self.round()
            await asyncio.sleep(self._settings.upkeep_seconds)

    async def round(self) -> None:
        """Do once what is due."""
        await self._notice_revocations()
        if self._writer.failing is not None:
            await self._write(_probe)
        now_ms, limit = self._clock(), self._settings.expired_batch_max
        forget_at_ms = now_ms + round(self._settings.forget_seconds * 1_000)
        for step in (
            lambda t: t.expire(now_ms, forget_at_ms, limit),
            lambda t: t.forget(now_ms, limit),
        ):
            while await self._write(step):
                pass

    async def probe(self) -> Refusal | None:
        """Write to the store, changing nothing; return why it did not take it."""
        result = await self._put(_probe)
        return result.kind if isinstance(result, RefusalError) else None

    async def _notice_revocations(self) -> None:
        now_ms = self._clock()
        since = self._asked_at_ms - OVERLAP_MS
        try:
            revoked = await self._store.read(lambda snapshot: snapshot.revoked_since(since))
        except StoreError as error:
            if self.readable:
                log.warning("the store cannot be read: %s", error)
            self.readable = False
            return
        self.readable = True
        self._asked_at_ms = now_ms
        if revoked:
            self._revoked(revoked)

    async def _write(self, operation: Callable[[Transaction], int]) -> bool:
        """Commit an operation through the writer; tell whether there may be more of it."""
        result = await self._put(operation)
        return isinstance(result, int) and result > 0

    def _put(self, operation: Callable[[Transaction], int]) -> "asyncio.Future[int | RefusalError]":
        done: asyncio.Future[int | RefusalError] = asyncio.get_running_loop().create_future()
        self._writer.put(Write(operation, partial(_settle, done)))
        return done


def _settle(done: "asyncio.Future[Any]", result: object) -> None:
    if not done.done():
        done.set_result(result)


def _probe(transaction: Transaction) -> int:
    transaction.touch()
    return 0
