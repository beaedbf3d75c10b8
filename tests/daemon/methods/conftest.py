from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.daemon.methods.house import House, house


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[House]:
    """Return a daemon without a vault."""
    async with house(tmp_path) as made:
        yield made


@pytest.fixture
async def alice(bare: House) -> House:
    """Return a daemon with Alice's account."""
    await bare.open()
    return bare
