"""Messages a second one way between two daemons, until every one of them is acknowledged.

Every message is checked: each arrives once, none is missing. Beside the rates stands what each
process spent on a message; the client's own share tells whether it was the bottleneck.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple

from peerpost.async_listener import AsyncListener
from scripts.benchmarks.case import Case, Plan
from scripts.benchmarks.figure import Sample
from scripts.benchmarks.pair import Pair, running_pair, settle
from scripts.benchmarks.process_figures import processor_seconds

IN_FLIGHT = 60  # calls at once, on one connection
MICROSECONDS = 1e6


class Received(NamedTuple):
    """Be the texts in the order of their arrival, and when the last one came."""

    texts: list[str]
    at: float


async def measure(plan: Plan) -> AsyncGenerator[Sample, None]:
    """Yield the rates, and the processor time of each process."""
    for folder in plan.run_folders():
        async with running_pair(folder) as pair:
            before = _spent(pair)
            for sample in await _rates(pair, plan.messages):
                yield sample
            for system, seconds in _spent(pair).items():
                cost = (seconds - before[system]) / plan.messages * MICROSECONDS
                yield Sample(system, "processor time a message", "us", cost)


async def _rates(pair: Pair, count: int) -> list[Sample]:
    texts = [f"message {number}" for number in range(count)]
    async with pair.bob.client.listen(kinds=("message",), from_="now") as events:
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            receiving = group.create_task(_receive(events, count))
            await _send(pair, texts)
            queued = time.perf_counter()
            await settle(pair.alice.client)
            acknowledged = time.perf_counter()
    received = receiving.result()
    assert sorted(received.texts) == sorted(texts), "a message was lost or came twice"
    ends = {"queued": queued, "received": received.at, "acknowledged": acknowledged}
    return [
        Sample("peerpost", name, "messages/s", count / (end - begun)) for name, end in ends.items()
    ]


async def _receive(events: AsyncListener, count: int) -> Received:
    texts = [str((await anext(events))["data"]["text"]) for _ in range(count)]
    return Received(texts, time.perf_counter())


async def _send(pair: Pair, texts: Sequence[str]) -> None:
    waiting = iter(texts)

    async def caller() -> None:
        for text in waiting:
            await pair.alice.client.send(to=pair.bob.identity, text=text)

    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(caller())


def _spent(pair: Pair) -> dict[str, float]:
    """Return the processor seconds of every process so far."""
    return {
        "sender": processor_seconds(pair.alice.process.pid),
        "receiver": processor_seconds(pair.bob.process.pid),
        "relay": processor_seconds(pair.relay.process.pid),
        "client": time.process_time(),
    }


CASE = Case("throughput", "messages/s one way, 60 in flight, with receipts", measure, 5, 3000)
