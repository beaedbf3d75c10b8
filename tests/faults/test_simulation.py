"""A simulated day, from a few seeds; the same seed is the same day. `scripts/faults simulation` does weeks."""

import os
from collections.abc import Callable

import pytest

from peerpost_daemon.inbound import taking
from peerpost_daemon.link import connection as link_connection
from peerpost_daemon.outbound import answers, pump
from peerpost_relay import fan_out, publishing
from tests.faults.simulation.scenario import DAY, Plan, day, simulate

SEEDS = [int(seed) for seed in os.environ.get("SIMULATION_SEEDS", "1,2").split(",")]
DAYS = float(os.environ.get("SIMULATION_DAYS", "0"))


def plan(seed: int) -> Plan:
    return Plan(seed, DAYS * DAY) if DAYS else day(seed)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_doubled_or_out_of_order(seed: int) -> None:
    result = simulate(plan(seed))
    assert not result.violations, result.report()
    assert result.given > result.said > 0


def test_a_seed_is_one_history() -> None:
    hours = Plan(3, DAY / 6, hosts=4, channels=1, messages=12, hours_to_cut=1, hours_to_offline=2)
    assert simulate(hours).digest == simulate(hours).digest
