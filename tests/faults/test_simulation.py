"""A simulated day, from a few seeds; the same seed is the same day. `scripts/faults simulation` does weeks."""

import os

import pytest

from tests.faults.simulation.planted import planted
from tests.faults.simulation.scenario import DAY, Plan, day, simulate

SEEDS = [int(seed) for seed in os.environ.get("SIMULATION_SEEDS", "1,2").split(",")]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_doubled_or_out_of_order(seed: int) -> None:
    result = simulate(day(seed))
    assert not result.violations, result.report()
    assert result.given > result.said > 0


def hours(seed: int) -> Plan:
    return Plan(seed, DAY / 6, hosts=4, channels=1, messages=12, hours_to_cut=1, hours_to_offline=2)


def test_a_seed_is_one_history() -> None:
    first, second, other = simulate(hours(3)), simulate(hours(3)), simulate(hours(4))
    assert first.digest == second.digest != other.digest


def test_a_lost_answer_that_passes_for_a_yes_is_found() -> None:
    with planted("the daemon takes a lost answer for a yes"):
        result = simulate(day(1))
    assert result.violations
    assert "SIMULATION_SEEDS=1" in result.report()
