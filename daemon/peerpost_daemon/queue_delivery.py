"""Queue delivery: each event of a queue goes to one of its readers, and comes again until it is done with.

An event is taken (`held.take`) in one transaction, and only then said: whoever is killed in between, it is known how
often it may have been delivered. Three things bring it back: no answer in time, an answer that defers it, and the end
of the connection that had it. How long an answer may take is measured with the loop's clock, which does not jump.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from msgspec import structs

from peerpost_daemon.consumer_readers import Reader
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import CallerGone, DaemonError
from peerpost_daemon.records import consumers, event_pages, held
from peerpost_daemon.records.consumers import Consumer
from peerpost_daemon.records.event_pages import PagedEvent
from peerpost_daemon.records.held import Flight
from peerpost_daemon.records.within import Within
from peerpost_daemon.rpc import Call
from peerpost_daemon.subscription import note, patience, tell
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database

LOOK_SECONDS: Final = 0.5  # between two looks for answers that are overdue
RETRY_SECONDS: Final = 1.0  # until a failed write is tried again


class QueueDelivery:
    """Be one subscription of a queue."""

    def __init__(
        self, daemon: Daemon, call: Call, number: int, reader: Reader, within: Within
    ) -> None:
        self._daemon = daemon
        self._call = call
        self._number = number
        self._reader = reader
        self._within = within
        self._name = reader.consumer
        self._vault: Database | None = None

    async def run(self) -> None:
        """Notify until the caller is gone; then what it had goes to others."""
        expiring = asyncio.create_task(self._expire(), name="queue-expiry")
        try:
            await self._deliver()
        except CallerGone:
            return
        finally:
            expiring.cancel()
            self._daemon.readers.close(self._reader)
            # Of its own: whoever found the caller gone is cancelled by the end of the connection a moment later, and
            # what it had would fly for ever.
            release = asyncio.create_task(self._release(), name="queue-release")
            self._daemon.spawn(release)
            await asyncio.shield(release)

    async def _deliver(self) -> None:
        bell = self._daemon.bell
        while True:
            rings = bell.rings
            try:
                self._look_at_vault()
                flights = await self._take()
                await self._say(flights)
                seconds = None if flights else await self._pause()
            except CallerGone:
                raise
            except DaemonError as error:
                note(error)
                await patience(self._daemon, rings)
                continue
            if not flights:
                await self._reader.news(bell, rings, seconds)

    def _look_at_vault(self) -> None:
        """Forget what was given when the vault has been locked since: what flew then has landed."""
        vault = self._daemon.database
        if vault is not self._vault:
            self._vault = vault
            self._reader.leave()

    async def _take(self) -> list[Flight]:
        room = min(self._reader.room, self._daemon.settings.event_page)
        name, within, now_ms = self._name, self._within, self._daemon.steady_ms()
        if room <= 0 or not await self._daemon.read(lambda db: _can_take(db, name, within, now_ms)):
            return []
        taking = asyncio.ensure_future(
            self._daemon.write(lambda db: _take(db, name, within, room, now_ms))
        )
        try:
            return self._given(*await asyncio.shield(taking))
        except asyncio.CancelledError:  # what was taken has to be put back, and so be known
            self._given(*await taking)
            raise

    def _given(self, flights: list[Flight], ack_ms: int) -> list[Flight]:
        self._reader.give(flights, asyncio.get_running_loop().time() + ack_ms / 1000)
        return flights

    async def _say(self, flights: Sequence[Flight]) -> None:
        """Say events in their order, as many at once as fit into memory."""
        left = [flight.cursor for flight in flights]
        limit_bytes = self._daemon.settings.event_page_bytes
        while left:
            read = partial(
                _these, cursors=tuple(left), limit_bytes=limit_bytes, within=self._within
            )
            events = await self._daemon.read(read)
            said = set()
            for event in events:
                attempt = self._reader.say(event.cursor)
                if attempt is None or await tell(self._call, self._number, event, attempt):
                    said.add(event.cursor)
            last = events[-1].cursor if events else left[-1]
            await self._drop([cursor for cursor in left if cursor <= last and cursor not in said])
            left = [cursor for cursor in left if cursor > last]

    async def _drop(self, gone: list[int]) -> None:
        """Be done with events that bring nothing any more."""
        if gone:
            await self._daemon.write(lambda db: _done(db, self._name, gone))
            for cursor in gone:
                self._reader.answered(cursor)

    async def _pause(self) -> float | None:
        """Return the seconds until an event that was deferred is due."""
        if self._reader.room <= 0:
            return None
        due_ms = await self._daemon.read(lambda db: held.next_due(db, self._name))
        return None if due_ms is None else max(0.0, (due_ms - self._daemon.steady_ms()) / 1000)

    async def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            deadline = self._reader.deadline
            soon = LOOK_SECONDS if deadline is None else max(0.0, deadline - loop.time())
            await asyncio.sleep(min(soon, LOOK_SECONDS))
            late = self._reader.overdue(loop.time())
            if not late:
                continue
            try:
                write = partial(_failed, name=self._name, flights=late, reason="late")
                await self._daemon.write(write)
            except DaemonError as error:
                note(error)
                self._reader.give(late, loop.time() + RETRY_SECONDS)
            self._daemon.readers.wake(self._name)

    async def _release(self) -> None:
        said, unsaid = self._reader.leave()
        if not said and not unsaid:
            return

        def store(db: SqlConnection) -> None:
            _failed(db, self._name, said, "disconnected")
            held.put_back(db, self._name, unsaid)

        try:
            await self._daemon.write(store)
        except DaemonError as error:  # they land when the next one subscribes, or the vault opens
            note(error)
        self._daemon.readers.wake(self._name)


def _these(
    db: SqlConnection, cursors: Sequence[int], limit_bytes: int, within: Within
) -> list[PagedEvent]:
    return event_pages.these(db, cursors, limit_bytes, within.ids(db))


def _find(db: SqlConnection, name: str, within: Within) -> Consumer | None:
    """Return the consumer, as one that wants no more than it may know of."""
    found = consumers.find(db, name)
    if found is None or not within.bounded:
        return found
    wanted = found.terms.wanted.within(within.ids(db))
    return structs.replace(found, terms=structs.replace(found.terms, wanted=wanted))


def _can_take(db: SqlConnection, name: str, within: Within, now_ms: int) -> bool:
    consumer = _find(db, name, within)
    return consumer is not None and held.can_take(db, consumer, now_ms)


def _take(
    db: SqlConnection, name: str, within: Within, room: int, now_ms: int
) -> tuple[list[Flight], int]:
    consumer = _find(db, name, within)
    if consumer is None:
        return [], 0
    return held.take(db, consumer, room, now_ms), consumer.terms.ack_ms or 0


def _failed(db: SqlConnection, name: str, flights: Sequence[Flight], reason: str) -> None:
    consumer = consumers.find(db, name)
    if consumer is not None:
        for flight in flights:
            held.expire(db, consumer, flight, reason)


def _done(db: SqlConnection, name: str, cursors: Sequence[int]) -> None:
    for cursor in cursors:
        held.done(db, name, cursor)
