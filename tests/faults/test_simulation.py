"""A simulated day, from a seed or more; the same seed is the same day. `scripts/faults simulation` does weeks."""

import os

import pytest

from tests.faults.simulation.long import hours
from tests.faults.simulation.planted import planted
from tests.faults.simulation.scenario import day, replay, simulate

TELLING_SEED = (
    6  # in whose few hours all three mistakes come to light, as in about every second one
)
SEEDS = [int(seed) for seed in os.environ.get("SIMULATION_SEEDS", "1").split(",")]

SHORT_SEEDS = (1, 4, 3, 2, 5)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_doubled_or_out_of_order(seed: int) -> None:
    result = simulate(day(seed))
    assert not result.violations, result.report()
    assert result.given > result.said > 0


def test_a_seed_is_one_history() -> None:
    first, second, other = simulate(hours(5)), simulate(hours(5)), simulate(hours(6))
    assert first.digest == second.digest != other.digest


@pytest.mark.parametrize(
    "mistake",
    [
        "the daemon takes a lost answer for a yes",
        "idempotency keys are forgotten",
        "a new roster wakes nobody",
        "the relay answers before it commits",
    ],
)
def test_a_planted_mistake_is_found(mistake: str) -> None:
    """Which short history meets a mistake is chance, and another one with every change of who waits for whom."""
    with planted(mistake):
        results = (simulate(hours(seed)) for seed in SHORT_SEEDS)
        found = next((result for result in results if result.violations), None)
    assert found is not None
    assert f"--seed {found.plan.seed}" in found.report()


def test_a_day_is_seen_again_by_its_seed() -> None:
    assert "SIMULATION_SEEDS=7" in replay(day(7))
