"""Answer questions from the store: one task, one bounded inbox, several questions a snapshot.

Who proves a card, and the upkeep, read on the same connection: a snapshot is left after `query_seconds`, and what is
unanswered then waits for the next. So nobody waits for more than that and one question; the largest is a subscription
to `MAX_CHANNELS_PER_CARD`. Catch-up has its own connection (catch_up.py) and does not wait at all.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import Struct

from peerpost_relay.errors import RefusalError, StoreError, fault
from peerpost_relay.settings import RelaySettings, Renewable
from peerpost_relay.store import Query, Snapshot, Store

log = logging.getLogger(__name__)


class Question(Struct, frozen=True):
    """Be a query that waits, and who wants its result or refusal."""

    query: Query[Any]
    answer: Callable[[Any], None]
    refusal: Callable[[], RefusalError | None] = lambda: None  # asked when its turn has come


class Queries(Renewable):
    """Own the inbox of questions and the task that answers them."""

    def __init__(
        self, settings: RelaySettings, store: Store, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._store = store
        self._monotonic = monotonic
        self._inbox: list[Question] = []
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def put(self, question: Question) -> None:
        """Let a question wait; whoever puts many awaits `room` between."""
        self._inbox.append(question)
        self._filled.set()
        if len(self._inbox) >= self._settings.queries_max:
            self._room.clear()

    async def room(self) -> None:
        """Wait until the inbox is not full."""
        await self._room.wait()

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            await self._filled.wait()
            batch = self._inbox[: self._settings.query_batch_max]
            del self._inbox[: len(batch)]
            if not self._inbox:
                self._filled.clear()
            self._room.set()
            batch = _admitted(batch)
            if not batch:
                await asyncio.sleep(0)
                continue
            results = await self._results(batch)
            if len(results) < len(batch):
                self._inbox[:0] = batch[len(results) :]
                self._filled.set()
            for question, result in zip(batch, results, strict=False):
                question.answer(result)

    async def _results(self, batch: list[Question]) -> list[Any]:
        """Return the answers to as many questions, from the first on, as a snapshot has time for."""
        seconds = self._settings.query_seconds
        answers = partial(_answers, batch=batch, seconds=seconds, monotonic=self._monotonic)
        try:
            return await self._store.read(answers)
        except StoreError as error:
            log.warning("%d questions were lost: %s", len(batch), error)
            refusal = RefusalError(
                error.kind, "the store failed", retry_after_ms=self._settings.retry_after_ms
            )
            return [refusal] * len(batch)


def _admitted(batch: list[Question]) -> list[Question]:
    """Answer the questions that are refused now; return the others."""
    # Thousands of small questions come in one read. Whether their answers are read is known here only.
    admitted = []
    for question in batch:
        refusal = question.refusal()
        if refusal is None:
            admitted.append(question)
        else:
            question.answer(refusal)
    return admitted


def _answers(
    snapshot: Snapshot, *, batch: list[Question], seconds: float, monotonic: Callable[[], float]
) -> list[Any]:
    until = monotonic() + seconds
    answers = []
    for question in batch:
        answers.append(_answer(snapshot, question))
        if monotonic() >= until:
            break
    return answers


def _answer(snapshot: Snapshot, question: Question) -> Any:  # noqa: ANN401  each query has its own
    try:
        return question.query(snapshot)
    except RefusalError as refusal:
        return refusal
    except Exception as error:  # noqa: BLE001  one question must not take the others with it
        return fault(error)
