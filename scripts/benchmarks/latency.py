"""From `message.send` on one daemon to the event on another, one message at a time.

On the way lie three durable commits one after the other (outbox with the sealed envelope, relay,
inbox), so the time that the same disk takes for one small durable write is measured beside it.
"""

import os
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from scripts.benchmarks.case import Case, Plan
from scripts.benchmarks.figure import Sample, spread
from scripts.benchmarks.pair import Pair, running_pair, settle

TEXT = "The quick brown fox jumps over the lazy dog, number {}."
WRITE_BYTES = 4096  # a page of a write-ahead log
MILLISECONDS = 1e3


async def measure(plan: Plan) -> AsyncGenerator[Sample, None]:
    """Yield p50 and p99 of both."""
    for folder in plan.run_folders():
        async with running_pair(folder) as pair:
            for sample in spread("peerpost", "send to receive", "ms", await _arrivals(pair, plan)):
                yield sample
            await settle(pair.alice.client)
            for sample in spread("disk", "durable write", "ms", _writes(folder, plan.messages)):
                yield sample


async def _arrivals(pair: Pair, plan: Plan) -> list[float]:
    """Return ms from before the call to after the event, both seen by one process and clock."""
    times = []
    async with pair.bob.client.listen(kinds=("message",), from_="now") as events:
        for number in range(plan.messages):
            text = TEXT.format(number)
            begun = time.perf_counter()
            await pair.alice.client.send(to=pair.bob.identity, text=text)
            event = await anext(events)
            times.append((time.perf_counter() - begun) * MILLISECONDS)
            assert event["data"]["text"] == text, event
    return times


def _writes(folder: Path, count: int) -> list[float]:
    """Return ms that one page takes to be appended and durable."""
    times, page = [], bytes(WRITE_BYTES)
    file = os.open(folder / "page", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for _ in range(count):
            begun = time.perf_counter()
            os.write(file, page)
            os.fdatasync(file)
            times.append((time.perf_counter() - begun) * MILLISECONDS)
    finally:
        os.close(file)
    return times


CASE = Case("latency", "send-to-receive between two daemons: p50, p99", measure, 5, 500)
