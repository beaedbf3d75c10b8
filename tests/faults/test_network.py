"""A daemon whose path to the relay is bad. Minutes of it, and times: `scripts/faults network`."""

from pathlib import Path

import pytest

from tests.faults.network import FAULTS, noticed_after, through
from tests.support.faulty_network import BLACK_HOLE, HALF_OPEN, Fault


async def test_a_conversation_comes_through_every_fault_of_the_network(tmp_path: Path) -> None:
    passage = await through(tmp_path / "site", tuple(FAULTS), 0.6, quick=True)
    assert not passage.violations
    assert passage.sessions > len(FAULTS)
    assert all(passage.said_during.values())  # alice's daemon takes messages all the while


@pytest.mark.parametrize("fault", [BLACK_HOLE, HALF_OPEN], ids=lambda fault: fault.name)
async def test_a_dead_path_is_noticed(tmp_path: Path, fault: Fault) -> None:
    assert await noticed_after(tmp_path / "site", fault, quick=True) > 0


async def test_flipped_bits_on_a_path_without_tls_change_no_content(tmp_path: Path) -> None:
    passage = await through(tmp_path / "site", ["bit flips"], 1.5, quick=True, plain=True)
    for verdict in passage.verdicts:
        assert not verdict.invented + verdict.duplicated + verdict.misordered
        # What a flipped bit spoiled is missing, and its receiver has been told so.
        assert len(verdict.lost) <= len(passage.quarantined)
