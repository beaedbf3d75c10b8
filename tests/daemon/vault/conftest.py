"""An open vault with one table, in a private directory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.vault.database import Database
from peerpost_daemon.vault.migrations import Migration

KEY = bytes(range(32))
STEPS = (Migration(1, "notes", "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT UNIQUE);"),)


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return tmp_path / "private" / "vault.db"


@pytest.fixture
async def database(vault: Path) -> AsyncIterator[Database]:
    opened = await Database.open(vault, KEY, STEPS)
    yield opened
    await opened.close()
