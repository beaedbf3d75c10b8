"""The long form: weeks from several seeds, a process each, and whether every planted mistake is found."""

import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from tests.faults.simulation.planted import MISTAKES, planted
from tests.faults.simulation.scenario import DAY, HOUR, Plan, Result, day, simulate

TRIES = 4


def weeks(seeds: Iterable[int], days: float) -> list[Result]:
    """Simulate twenty hosts for so many days from each seed; as fast as the processors allow."""
    plans = [Plan(seed, days * DAY, messages=max(1, round(days * 600 / 7))) for seed in seeds]
    with _processes() as pool:
        return list(pool.map(simulate, plans))


def discoveries(seed: int) -> list[tuple[str, int | None, str]]:
    """Return each planted mistake with the seed that found it, None if no run did, and how it showed."""
    with _processes() as pool:
        return list(pool.map(_discover, MISTAKES, [seed] * len(MISTAKES)))


def hours(seed: int) -> Plan:
    """Return a very short plan: four hours of four hosts."""
    return Plan(seed, DAY / 6, hosts=4, channels=1, messages=12, hours_to_cut=1, hours_to_offline=2)


def busy(seed: int) -> Plan:
    """Return half a day of six hosts that say much: what needs several things to meet."""
    return replace(day(seed), seconds=DAY / 2, messages=400)


def _discover(mistake: str, seed: int) -> tuple[str, int | None, str]:
    seeds = range(seed, seed + TRIES)
    for plan in (*map(hours, seeds), *map(busy, seeds)):
        with planted(mistake):
            result = simulate(plan)
        if result.violations:
            return mistake, plan.seed, f"{plan.seconds / HOUR:g} h: {result.violations[0]}"
    return mistake, None, ""


def _processes() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))
