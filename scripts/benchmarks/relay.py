"""The relay alone: deliveries, latency, durable publishes, connections, catch-up.

A generator in C sends frames made beforehand over real authenticated WebSocket connections and
counts what comes back (load/). Server and generator have a core each where there are two. Peers do
the same work in the same run, one after the other, so that only their ratios count.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator, Iterator

from scripts.benchmarks.case import Case, Peer, Plan
from scripts.benchmarks.figure import Sample
from scripts.benchmarks.load import measures
from scripts.benchmarks.load.bench import Bench, cores, raise_open_files
from scripts.benchmarks.load.generator import GeneratorError, build, compiler
from scripts.benchmarks.load.wire import ClosedError

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
    idle = min(IDLE, raise_open_files() - SPARE_FILES)
    if idle < IDLE:
        print(
            f"{idle:,} instead of {IDLE:,} connections: more open files are not allowed (ulimit -n)"
        )
    program = build(plan.folder / "generator")
    for folder in plan.run_folders():
        folder.mkdir()
        bench = Bench(folder, program, *cores(), plan.messages)
        before = os.sched_getaffinity(0)
        try:
            if bench.own_core is not None:
                os.sched_setaffinity(0, {bench.own_core})
            for sample in _run(bench, sorted(plan.peers), idle):
                yield sample
                await asyncio.sleep(0)  # where SIGTERM is heard: the measures themselves block
        finally:
            os.sched_setaffinity(0, before)
            shutil.rmtree(folder)


def _run(bench: Bench, peers: list[str], idle_max: int) -> Iterator[Sample]:
    small = bench.messages < LATENCY_READERS  # a trial, as the tests make one
    systems = ["peerpost", *peers]
    fastest = dict.fromkeys(systems, 0.0)
    for readers in READERS:
        for system in systems:
            for sample in _valid(measures.fan_out(system, bench, min(readers, bench.messages))):
                fastest[system] = max(fastest[system], _deliveries(sample))
                yield sample
    readers = min(LATENCY_READERS, bench.messages)
    for system, deliveries in fastest.items():
        if deliveries > measures.RATE * readers:  # else the latency is that of a growing queue
            yield from _valid(measures.latency(system, bench, readers))
        else:
            print(f"skipped: {system}: it does not carry the {measures.RATE} messages/s of latency")
    yield from measures.floors()
    for window in DURABLE_WINDOWS:
        for system in (each for each in systems if each != "mosquitto"):
            yield from _valid(measures.durable(system, bench, window))
    yield from _valid(measures.catch_up(bench, LIVE_DURING_CATCH_UP, CATCHING_UP))
    yield from _valid(measures.crowd(bench, bench.messages if small else idle_max))
    for cards in SEALED_CARDS:
        yield from _valid(measures.sealed(bench, cards))


def _valid(samples: Iterator[Sample]) -> Iterator[Sample]:
    """Yield samples until one counts for nothing; say so, and let the others be measured."""
    try:
        yield from samples
    except (
        GeneratorError,
        ClosedError,
        OSError,
        RuntimeError,
        subprocess.SubprocessError,
    ) as error:
        print(f"void: {error}", flush=True)


def _deliveries(sample: Sample) -> float:
    return sample.value if sample.unit == "deliveries/s" else 0.0


CASE = Case(
    "relay",
    "the relay: deliveries, latency, durable publishes, connections, catch-up",
    measure,
    5,
    2_000,
    (
        Peer("nats", "nats-server"),
        Peer("mosquitto", "mosquitto"),
        Peer("nostr-relay", "nostr-relay"),
    ),
)
