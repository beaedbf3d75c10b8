"""A relay and daemons as real processes, ended after each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.site import DaemonProcess, Site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Be a site where nothing runs yet."""
    async with Site(tmp_path / "site") as site:
        yield site


@pytest.fixture
async def pair(site: Site) -> tuple[DaemonProcess, DaemonProcess]:
    """Be alice and bob, registered at a relay that runs."""
    await site.relay.start()
    alice, bob = await site.members("alice", "bob")
    return alice, bob
