"""Readers: the subscriptions of named consumers, as acknowledgements see them.

A reader has a window: so many events may be with it unanswered, and no more are given to it. An answer may come by any
connection; whoever takes it in says so here, and the reader it concerns wakes. Nothing here is durable: the vault knows
what is done with, this knows who is busy with what.
"""

import asyncio
from collections.abc import Iterable, Iterator

from peerpost_daemon.bell import Bell
from peerpost_daemon.records.held import Flight


class Reader:
    """Be one subscription of a consumer, and what it has not answered for."""

    def __init__(self, consumer: str) -> None:
        self.consumer = consumer
        self.window = 0
        self._unanswered: dict[int, float] = {}  # cursor: the loop's time until which it may take
        self._attempts: dict[int, int] = {}
        self._unsaid: set[int] = set()
        self._woken = asyncio.Event()

    @property
    def room(self) -> int:
        """Return how many more events it may be given."""
        return self.window - len(self._unanswered)

    @property
    def deadline(self) -> float | None:
        """Return the loop's time at which the first answer is overdue."""
        return min(self._unanswered.values(), default=None)

    def give(self, flights: Iterable[Flight], deadline: float = float("inf")) -> None:
        """Note events that are about to be said, and until when they may be answered."""
        for flight in flights:
            self._unanswered[flight.cursor] = deadline
            self._attempts[flight.cursor] = flight.attempt
            self._unsaid.add(flight.cursor)

    def say(self, cursor: int) -> int | None:
        """Note that an event is being said; return its attempt, None when it is not ours any more."""
        self._unsaid.discard(cursor)
        return self._attempts.get(cursor)

    def answered(self, cursor: int, attempt: int | None = None) -> None:
        """Note that an event is done with, or, when its attempt is named, that this one is to come later.

        By the time that is known here, the next attempt may be with a reader already: it keeps it.
        """
        if attempt is not None and self._attempts.get(cursor) != attempt:
            return
        if self._unanswered.pop(cursor, None) is not None:
            self._attempts.pop(cursor, None)
            self._unsaid.discard(cursor)
            self.wake()

    def answered_up_to(self, cursor: int) -> None:
        """Note that everything up to an event is done with."""
        for one in [one for one in self._unanswered if one <= cursor]:
            self.answered(one)

    def overdue(self, now: float) -> list[Flight]:
        """Return, and forget, what should have been answered by now."""
        late = [cursor for cursor, deadline in self._unanswered.items() if deadline <= now]
        flights = [Flight(cursor, self._attempts[cursor]) for cursor in late]
        for cursor in late:
            self.answered(cursor)
        return flights

    def return_all_but(self, taken: Iterable[int]) -> None:
        """Note that of what was said only some was looked at."""
        self._unsaid.update(self._attempts.keys() - set(taken))

    def leave(self) -> tuple[list[Flight], list[Flight]]:
        """Return, and forget, everything unanswered: what was said, and what was not."""
        flights = [Flight(*one) for one in self._attempts.items()]
        unsaid = [flight for flight in flights if flight.cursor in self._unsaid]
        said = [flight for flight in flights if flight.cursor not in self._unsaid]
        self._unanswered.clear()
        self._attempts.clear()
        self._unsaid.clear()
        return said, unsaid

    def wake(self) -> None:
        """Let it look again."""
        self._woken.set()

    async def news(self, bell: Bell, rings: int, seconds: float | None) -> None:
        """Return when it was woken, the bell has rung more often than `rings`, or time has passed."""
        waits = [
            asyncio.create_task(bell.wait(rings)),
            asyncio.create_task(self._woken.wait()),
        ]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._woken.clear()

    async def woken(self) -> None:
        """Return when it was woken."""
        await self._woken.wait()
        self._woken.clear()


class ConsumerReaders:
    """Hold the readers of all consumers by name."""

    def __init__(self) -> None:
        self._readers: dict[str, set[Reader]] = {}

    def open(self, consumer: str) -> Reader:
        """Begin a reader; it has no window yet."""
        reader = Reader(consumer)
        self._readers.setdefault(consumer, set()).add(reader)
        return reader

    def close(self, reader: Reader) -> None:
        """End a reader, once or more often."""
        readers = self._readers.get(reader.consumer, set())
        readers.discard(reader)
        if not readers:
            self._readers.pop(reader.consumer, None)

    def count(self, consumer: str) -> int:
        """Return how many read as a consumer now."""
        return len(self._readers.get(consumer, ()))

    def answered(self, consumer: str, cursor: int, attempt: int | None = None) -> None:
        """Tell whoever has an event that it is done with, or whoever has this attempt that it comes later."""
        for reader in self._of(consumer):
            reader.answered(cursor, attempt)

    def answered_up_to(self, consumer: str, cursor: int) -> None:
        """Tell all readers that everything up to an event is done with."""
        for reader in self._of(consumer):
            reader.answered_up_to(cursor)

    def wake(self, consumer: str) -> None:
        """Let all readers of a consumer look again."""
        for reader in self._of(consumer):
            reader.wake()

    def _of(self, consumer: str) -> Iterator[Reader]:
        return iter(tuple(self._readers.get(consumer, ())))
