"""SIGKILL at named points: nothing acknowledged is lost, doubled, invented or out of order.

The long form, `scripts/faults kills`, kills hundreds of times, at random moments as well.
"""

from pathlib import Path

import pytest

from tests.faults.crashing import ARMED, found
from tests.faults.storm import every_point, storm

# One on each side of every promise: what a process does between them is thrown away by its death.
PROMISES = (
    "queue-after",
    "persist-before",
    "persist-after",
    "send-after",
    "answer-before",
    "store-before",
    "store-after",
    "receipt-after",
    "checkpoint-after",
    "relay commit-before",
    "relay commit-after",
    "relay fan-out-before",
)


async def test_a_storm_of_kills_breaks_no_promise(tmp_path: Path) -> None:
    outcome = await storm(tmp_path / "site", every_point(PROMISES), 0.05)
    assert not outcome.violations
    assert not outcome.unreached
    assert outcome.said > 0
    at_points = [where for where in outcome.kills if not where.endswith("moment")]
    assert len(at_points) == len(PROMISES)


@pytest.mark.parametrize("program", ARMED)
def test_every_named_point_is_a_function_of_the_product(program: str) -> None:
    for point in ARMED[program].values():
        assert callable(found(point.where)[2])
        assert point.commit is None or callable(found(point.commit)[2])
