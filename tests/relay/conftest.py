"""A relay to talk to, in the test's own loop."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.relay_server import RunningRelay, running_relay


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[RunningRelay]:
    """Serve an empty store that takes cards without a token."""
    async with running_relay(tmp_path / "relay") as running:
        yield running
