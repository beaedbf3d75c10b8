"""The relay alone: deliveries, latency, durable publishes, connections, catch-up.

A generator in C sends frames made beforehand over real authenticated WebSocket connections and
counts what comes back (load/). Server and generator have a core each where there are two. Peers do
the same work in the same run, one after the other, so that only their ratios count.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator

from scripts.benchmarks.case import Case, Peer, Plan
from scripts.benchmarks.figure import Sample
from scripts.benchmarks.load import measures
from scripts.benchmarks.load.bench import Bench, cores, raise_open_files
from scripts.benchmarks.load.generator import build, compiler

READERS = (100, 1_000)
LATENCY_READERS = 1_000
DURABLE_WINDOWS = (1, 16, 256)
IDLE = 10_000
CATCHING_UP = 4
LIVE_DURING_CATCH_UP = 50
SEALED_CARDS = (10, 100, 256)
SPARE_FILES = 200


async def measure(plan: Plan) -> AsyncGenerator[Sample, None]:
    """Yield a run's samples of the relay and of each peer, metric by metric."""
    if compiler() is None:
        print("skipped: relay: its generator needs a C compiler, and there is none")
        return
    files = raise_open_files()
    program = build(plan.folder / "generator")
    for folder in plan.run_folders():
        folder.mkdir()
        bench = Bench(folder, program, *cores(), plan.messages)
        before = os.sched_getaffinity(0)
        try:
            if bench.own_core is not None:
                os.sched_setaffinity(0, {bench.own_core})
            for sample in _run(bench, sorted(plan.peers), min(IDLE, files - SPARE_FILES)):
                yield sample
                await asyncio.sleep(0)  # where SIGTERM is heard: the measures themselves block
        finally:
            os.sched_setaffinity(0, before)


def _run(bench: Bench, peers: list[str], idle_max: int) -> Iterator[Sample]:
    small = bench.messages < LATENCY_READERS  # a trial, as the tests make one
    fastest = dict.fromkeys(["peerpost", *peers], 0.0)
    for readers in READERS:
        for system in fastest:
            for sample in measures.fan_out(system, bench, min(readers, bench.messages)):
                fastest[system] = max(fastest[system], _deliveries(sample))
                yield sample
    readers = min(LATENCY_READERS, bench.messages)
    for system, deliveries in fastest.items():
        if deliveries > measures.RATE * readers:  # else the latency is that of a growing queue
            yield from measures.latency(system, bench, readers)
    for window in DURABLE_WINDOWS:
        for system in ["peerpost", *(peer for peer in peers if peer != "mosquitto")]:
            yield from measures.durable(system, bench, window)
    yield from measures.catch_up(bench, LIVE_DURING_CATCH_UP, CATCHING_UP)
    yield from measures.crowd(bench, bench.messages if small else idle_max)
    for cards in SEALED_CARDS:
        yield from measures.sealed(bench, cards)


def _deliveries(sample: Sample) -> float:
    return sample.value if sample.unit == "deliveries/s" else 0.0


CASE = Case(
    "relay",
    "the relay: deliveries, latency, durable publishes, connections, catch-up",
    measure,
    5,
    3_000,
    (
        Peer("nats", "nats-server"),
        Peer("mosquitto", "mosquitto"),
        Peer("nostr-relay", "nostr-relay"),
    ),
)
