"""Finished rows of the outbox go once they are old, and what they were for is still known."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.outbound.pruning import GRACE_SECONDS, KEEP_SECONDS, Pruning
from peerpost_daemon.records import (
    messages,
    outbox,
    outbox_progress,
    outbox_seals,
    own_links,
    pruning,
)
from peerpost_daemon.records.outbox_seals import Sealed
from peerpost_daemon.vault.connection import SqlConnection
from tests.support.accounts import RunningAccount, account
from tests.support.people import digest

CHANNEL = digest("channel")


class Clocks:
    """Be a wall clock and one that does not jump."""

    def __init__(self) -> None:
        self.wall_ms = 0
        self.steady = 0.0

    def pass_(self, seconds: float) -> None:
        self.wall_ms += round(seconds * 1000)
        self.steady += seconds


@pytest.fixture
async def alice(tmp_path: Path) -> AsyncIterator[RunningAccount]:
    async with account(tmp_path, "alice@example.org", "ws://127.0.0.1:9") as made:
        yield made


@pytest.fixture
async def message(alice: RunningAccount) -> bytes:
    """Be a message that everybody has."""
    message = await alice.send(CHANNEL, "hello")
    row = await alice.outgoing(message, "queued")

    def finish(db: SqlConnection) -> None:
        sealed = Sealed(row.number, 7, b"bytes", digest("envelope"), (alice.card.id,))
        outbox_seals.seal(db, [sealed])
        outbox_progress.sent(db, message, 12, row.queued_at_ms)
        outbox_progress.delivered(db, row.number, row.queued_at_ms)

    await alice.database.write(finish)
    return message


@pytest.fixture
async def clocks(alice: RunningAccount, message: bytes, monkeypatch: pytest.MonkeyPatch) -> Clocks:
    monkeypatch.setattr(pruning, "MIN_ROWS", 0)
    clocks = Clocks()
    clocks.wall_ms = (await alice.outgoing(message, "delivered")).queued_at_ms
    return clocks


def _pruning(alice: RunningAccount, clocks: Clocks) -> Pruning:
    return Pruning(alice.database, now_ms=lambda: clocks.wall_ms, monotonic=lambda: clocks.steady)


async def test_a_finished_row_goes_when_its_time_has_come(
    alice: RunningAccount, clocks: Clocks, message: bytes
) -> None:
    part = _pruning(alice, clocks)
    clocks.pass_(KEEP_SECONDS - 1)
    assert await part.look() == 0
    clocks.pass_(2)
    assert await part.look() == 1
    assert await alice.read(lambda db: outbox.find(db, message)) is None


async def test_its_last_state_and_its_place_are_still_known(
    alice: RunningAccount, clocks: Clocks, message: bytes
) -> None:
    part = _pruning(alice, clocks)
    clocks.pass_(KEEP_SECONDS + 1)
    assert await part.look() == 1
    stored = await alice.read(lambda db: messages.find(db, message))
    assert stored is not None
    assert stored.status == "delivered"
    link = await alice.read(lambda db: own_links.known(db, CHANNEL, 7))
    assert link == own_links.OwnLink(digest("envelope"), 12)


async def test_a_clock_that_jumps_prunes_nothing_before_it_has_gone_evenly(
    alice: RunningAccount, clocks: Clocks
) -> None:
    part = _pruning(alice, clocks)
    clocks.pass_(GRACE_SECONDS)
    clocks.wall_ms += round(KEEP_SECONDS * 12_000)
    assert await part.look() == 0
    clocks.pass_(GRACE_SECONDS - 1)
    assert await part.look() == 0
    clocks.wall_ms -= round(KEEP_SECONDS * 12_000)
    clocks.pass_(2)
    assert await part.look() == 0


async def test_the_newest_stay_however_old_they_look(
    alice: RunningAccount, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "MIN_ROWS", 1)
    part = _pruning(alice, clocks)
    clocks.pass_(KEEP_SECONDS * 12)
    assert await part.look() == 0


async def test_what_is_under_way_stays(alice: RunningAccount, clocks: Clocks) -> None:
    waiting = await alice.send(CHANNEL, "later")
    part = _pruning(alice, clocks)
    clocks.pass_(KEEP_SECONDS * 2)
    assert await part.look() == 1
    assert await alice.read(lambda db: outbox.find(db, waiting)) is not None
