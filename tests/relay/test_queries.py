"""Questions and catch-up beside each other: nobody holds a snapshot for long, and neither waits for the other."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from peerpost_relay.errors import RefusalError
from peerpost_relay.queries import Queries, Question
from peerpost_relay.settings import RelaySettings
from peerpost_relay.sqlite_store import SqliteStore

PATIENCE_SECONDS = 10


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "relay.sqlite")
    yield opened
    await opened.close()


class Clock:
    """Be a monotonic clock that a question moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def spend(self, seconds: float) -> float:
        self.now += seconds
        return seconds


async def answers(queries: Queries, count: int, clock: Clock, seconds: float) -> list[float]:
    """Put so many questions that take so long; return the answers in their order."""
    got: list[float] = []
    done = asyncio.Event()

    def answer(result: float | RefusalError) -> None:
        assert isinstance(result, float), result
        got.append(result)
        if len(got) == count:
            done.set()

    for _ in range(count):
        queries.put(Question(lambda _: clock.spend(seconds), answer))
    task = asyncio.create_task(queries.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await done.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return got


@pytest.mark.parametrize(("seconds", "snapshots"), [(0.0, 1), (0.5, 3), (2.0, 6)])
async def test_a_snapshot_is_left_when_its_time_is_over(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, seconds: float, snapshots: int
) -> None:
    clock, taken = Clock(), 0
    read = store.read

    async def counted(query: object) -> object:
        nonlocal taken
        taken += 1
        return await read(query)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "read", counted)
    queries = Queries(RelaySettings(query_seconds=1.0), store, clock)
    assert await answers(queries, 6, clock, seconds) == [seconds] * 6
    assert taken == snapshots


async def test_a_long_question_does_not_hold_up_catching_up(store: SqliteStore) -> None:
    let_go = threading.Event()
    question = asyncio.create_task(store.read(lambda _: let_go.wait(PATIENCE_SECONDS)))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS / 2):
            assert await store.read_aside(lambda s: s.tokens()) == []
        assert not question.done()
    finally:
        let_go.set()
    assert await question


async def test_a_page_does_not_hold_up_questions(store: SqliteStore) -> None:
    let_go = threading.Event()
    page = asyncio.create_task(store.read_aside(lambda _: let_go.wait(PATIENCE_SECONDS)))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS / 2):
            assert await store.read(lambda s: s.tokens()) == []
        assert not page.done()
    finally:
        let_go.set()
    assert await page
