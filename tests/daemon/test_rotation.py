"""Rotation: one at a time, with the relay alone, and finished or undone by the next start."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link import LinkState
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import rotation
from peerpost_daemon.rotation import Rotation
from peerpost_protocol.card import Card
from tests.support.daemons import Owner, daemon_of, reached, told
from tests.support.relay_server import RunningRelay, running_relay

ALICE = "alice@example.org"
SECONDS = 15.0


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[RunningRelay]:
    async with running_relay(tmp_path / "relay") as relay:
        yield relay


async def card_of(daemon: Daemon) -> Card:
    found = await daemon.read(accounts.find)
    assert found is not None
    return found.card


async def test_a_successor_is_let_in_and_the_old_key_stays(
    tmp_path: Path, relay: RunningRelay
) -> None:
    owner = Owner(ALICE)
    async with daemon_of(tmp_path, relay.url, owner) as daemon:
        await reached(daemon)
        await daemon.rotation.rotate(SECONDS)
        await reached(daemon)
        account = daemon.account
        assert account.card.body.predecessor == owner.card.id
        assert [each.card.id for each in account.earlier] == [owner.card.id]
        assert account.earlier[0].encryption_private == owner.private
        assert await daemon.read(rotation.find) is None


async def test_of_two_at_once_the_second_is_refused(tmp_path: Path, relay: RunningRelay) -> None:
    async with daemon_of(tmp_path, relay.url, Owner(ALICE)) as daemon:
        await reached(daemon)
        first = asyncio.create_task(daemon.rotation.rotate(SECONDS))
        await asyncio.sleep(0)
        with pytest.raises(DaemonError) as refused:
            await daemon.rotation.rotate(SECONDS)
        await first
        assert refused.value.kind == "rotation_running"


async def test_without_a_relay_nothing_is_begun(tmp_path: Path) -> None:
    async with daemon_of(tmp_path, "ws://127.0.0.1:1", Owner(ALICE)) as daemon:
        with pytest.raises(DaemonError) as refused:
            await daemon.rotation.rotate(SECONDS)
        assert refused.value.kind == "relay_unreachable"
        assert await daemon.read(rotation.find) is None


@pytest.mark.parametrize(
    ("step", "finished"),
    [("_drain", False), ("_publish", False), ("_submit", True), ("_come_into_force", True)],
)
async def test_what_was_cut_off_is_undone_or_finished_by_the_next_start(
    tmp_path: Path,
    relay: RunningRelay,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    finished: bool,
) -> None:
    owner, reached_it = Owner(ALICE), asyncio.Event()

    async def stuck(*_: object) -> None:
        reached_it.set()
        await asyncio.Event().wait()

    async with daemon_of(tmp_path, relay.url, owner) as daemon:
        await reached(daemon)
        with monkeypatch.context() as patch:
            patch.setattr(Rotation, step, stuck)
            patch.setattr(rotation, "abandon", lambda _db: None)
            rotating = asyncio.create_task(daemon.rotation.rotate(SECONDS))
            await asyncio.wait_for(reached_it.wait(), SECONDS)
            assert not await daemon.read(rotation.is_sealing)
            rotating.cancel()
            await asyncio.gather(rotating, return_exceptions=True)
            daemon.rotation.stop()
    async with daemon_of(tmp_path, relay.url, owner) as daemon:
        if finished:
            await told(daemon, "daemon", change="card_rotated")
        await reached(daemon, LinkState.ONLINE)
        assert ((await card_of(daemon)).id != owner.card.id) is finished
        assert await daemon.read(rotation.is_sealing)
