"""Bob's vault, in a channel of alice, bob and carol."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.people import Channel, Person, channel_of, person
from tests.support.receiving import Desk, open_desk

ALICE, BOB, CAROL = person("alice"), person("bob"), person("carol")
OPS = channel_of(ALICE, BOB, CAROL)


@pytest.fixture
def alice() -> Person:
    return ALICE


@pytest.fixture
def bob() -> Person:
    return BOB


@pytest.fixture
def carol() -> Person:
    return CAROL


@pytest.fixture
def ops() -> Channel:
    return OPS


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    opened = await open_desk(tmp_path, BOB, ALICE, CAROL)
    await opened.begin(OPS)
    yield opened
    await opened.database.close()
