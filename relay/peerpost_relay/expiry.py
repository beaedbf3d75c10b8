"""Look after the store: remove what has expired, notice revocations, probe what failed.

One task, one round every `upkeep_seconds`. Expired envelopes go, and later their message ids,
a bounded batch in a transaction, through the one writer (sqlite_store/expired.py says what stays how long, reading.py
what readers see).
The operator revokes cards and tokens by a command in another process, so the store is asked for them.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from peerpost_protocol.history import Ruled
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.statement import parse_statement
from peerpost_relay.errors import RefusalError, StoreError
from peerpost_relay.history_store import StoredEntry
from peerpost_relay.outcomes import Entered
from peerpost_relay.settings import RelaySettings, Renewable
from peerpost_relay.store import Snapshot, Store, Transaction
from peerpost_relay.writer import Write, Writer

OVERLAP_MS = 5_000  # a revocation may be committed a little after the time that it carries

log = logging.getLogger(__name__)


class Heard(Struct, frozen=True):
    """Be told what another process did: entries of histories, and cards whose token was revoked."""

    entered: Callable[[Entered], None]
    forsaken: Callable[[Sequence[bytes]], None]


class Upkeep(Renewable):
    """Own the task of the rounds."""

    def __init__(
        self,
        settings: RelaySettings,
        store: Store,
        writer: Writer,
        heard: Heard,
        clock: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._store = store
        self._writer = writer
        self._heard = heard
        self._entries = 0  # the newest entry that was looked at
        self._clock = clock
        self._asked_at_ms = clock()
        self._removed = False  # since the log was shortened
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
                self._removed = True
        if self._removed:
            await self._shorten_log()

    async def _shorten_log(self) -> None:
        """Let no older page keep what has been removed; what a reader prevents is done next time."""
        try:
            self._removed = not await self._store.shorten_log()
        except StoreError as error:
            log.warning("the store's log was not shortened: %s", error)

    async def probe(self) -> Refusal | None:
        """Write to the store, changing nothing; return why it did not take it."""
        result = await self._put(_probe)
        return result.kind if isinstance(result, RefusalError) else None

    async def _notice_revocations(self) -> None:
        now_ms = self._clock()
        since = self._asked_at_ms - OVERLAP_MS
        try:
            found = await self._store.read(partial(_revocations, since, self._entries))
        except StoreError as error:
            if self.readable:
                log.warning("the store cannot be read: %s", error)
            self.readable = False
            return
        self.readable = True
        self._asked_at_ms = now_ms
        entered, self._entries, forsaken = found
        for news in entered:
            self._heard.entered(news)
        if forsaken:
            self._heard.forsaken(forsaken)

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


def _revocations(
    since_ms: int, entries: int, snapshot: Snapshot
) -> tuple[list[Entered], int, list[bytes]]:
    """Return what the operator revoked: entries behind a number, its newest one, and cards by their tokens."""
    forsaken = snapshot.forsaken_since(since_ms)
    stored, newest = snapshot.ruled_since(entries)
    return [_news(snapshot, each) for each in stored], newest, forsaken


def _news(snapshot: Snapshot, entry: StoredEntry) -> Entered:
    cards = tuple(card for card, _ in snapshot.cards_of(entry.identity))
    channels = tuple(snapshot.past_channels(entry.identity))  # the card has left them already
    subject = (
        (parse_statement(entry.wire.statement).body.subject,)
        if isinstance(entry.wire, Ruled)
        else ()
    )
    return Entered(entry.identity, entry.position, entry.wire, cards, channels, ended=subject)
