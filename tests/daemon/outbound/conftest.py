"""Two or three real accounts at a relay whose words can be changed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.malicious_relay import MaliciousRelay, malicious_relay


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[MaliciousRelay]:
    async with malicious_relay(tmp_path / "relay") as running:
        yield running
