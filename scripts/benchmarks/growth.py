"""How the relay's cost of one message grows: with its readers, with channels, with what is stored.

`scripts/curves` draws a run's JSON lines for docs/performance.md.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, Iterator

from scripts.benchmarks.case import Case, Plan
from scripts.benchmarks.figure import Sample
from scripts.benchmarks.load import growth
from scripts.benchmarks.load.bench import Bench, cores, raise_open_files
from scripts.benchmarks.load.generator import build, compiler

TRIAL_MESSAGES = 1_000  # fewer are a trial, as the tests make one
TRIAL = (2, 4)
READERS = (1, 10, 30, 100, 300, 1_000)
CHANNELS = (10, 100, 1_000, 10_000, 100_000)
STORED = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)


async def measure(plan: Plan) -> AsyncGenerator[Sample, None]:
    """Yield a message's cost at each size."""
    if compiler() is None:
        print("skipped: growth: its generator needs a C compiler, and there is none")
        return
    raise_open_files()
    program = build(plan.folder / "generator")
    for folder in plan.run_folders():
        folder.mkdir()
        before = os.sched_getaffinity(0)
        bench = Bench(folder, program, *cores(), plan.messages)
        try:
            if bench.own_core is not None:
                os.sched_setaffinity(0, {bench.own_core})
            # In a thread: it runs an event loop of its own, to fill the store.
            for curve in _curves(bench):
                while (sample := await asyncio.to_thread(next, curve, None)) is not None:
                    yield sample
        finally:
            os.sched_setaffinity(0, before)
            shutil.rmtree(folder)


def _curves(bench: Bench) -> list[Iterator[Sample]]:
    small = bench.messages < TRIAL_MESSAGES
    return [
        growth.by_readers(bench, TRIAL if small else READERS),
        growth.by_channels(bench, TRIAL if small else CHANNELS),
        growth.by_stored(bench, TRIAL if small else STORED),
    ]


CASE = Case(
    "growth",
    "the relay: one message's cost by readers, channels and stored envelopes (half an hour)",
    measure,
    1,
    3_000,
)
