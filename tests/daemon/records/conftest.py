"""An open, empty vault."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.records import schema
from peerpost_daemon.vault.database import Database


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "vault.db", bytes(range(32)), schema.MIGRATIONS)
    yield database
    await database.close()
