"""The long form: weeks from several seeds, a process each."""

import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

from tests.faults.simulation.scenario import DAY, Plan, Result, simulate


def weeks(seeds: Iterable[int], days: float) -> list[Result]:
    """Simulate twenty hosts for so many days from each seed; as fast as the processors allow."""
    plans = [Plan(seed, days * DAY, messages=max(1, round(days * 600 / 7))) for seed in seeds]
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=spawning) as pool:
        return list(pool.map(simulate, plans))
