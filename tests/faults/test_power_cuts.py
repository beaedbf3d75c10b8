"""Power cuts on a real file system: acknowledged means present. Many of them: `scripts/faults power`."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.faults.disks import CannotMountError
from tests.faults.power import Cuts, cut_the_daemon, cut_the_relay, loses_what_was_not_synced

Cut = Callable[[Path, int, int], Coroutine[Any, Any, Cuts]]


def test_a_cut_loses_what_was_not_synced(tmp_path: Path) -> None:
    try:
        assert loses_what_was_not_synced(tmp_path)
    except CannotMountError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("cut", [cut_the_relay, cut_the_daemon], ids=["relay", "daemon"])
async def test_what_was_acknowledged_is_there_after_a_power_cut(tmp_path: Path, cut: Cut) -> None:
    try:
        found = await cut(tmp_path, 2, 1)
    except CannotMountError as error:
        pytest.skip(str(error))
    assert found.cuts == 2
    assert found.acknowledged > 0
    assert not found.violations
