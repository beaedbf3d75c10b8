from pathlib import Path

import pytest

from tests.daemon.rpc.stage import Stage


@pytest.fixture
async def stage() -> Stage:
    return Stage()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rpc" / "socket"
