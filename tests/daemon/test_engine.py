"""The engine: a part that fails is begun again, and a vault that is full for a while loses nothing."""

from pathlib import Path
from typing import Any

import pytest

from peerpost_daemon import engine as module
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.inbound import taking
from tests.support.accounts import account
from tests.support.relay_server import running_relay

ALICE, BOB = "alice@example.org", "bob@example.org"


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTART_SECONDS", 0.01)


@pytest.mark.parametrize("error", [ZeroDivisionError(), DaemonError("storage_full", "full")])
async def test_what_could_not_be_stored_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    take, left = taking.take, [3]

    def failing(*args: Any) -> taking.Taken:
        if left[0]:
            left[0] -= 1
            raise error
        return take(*args)

    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / "alice", ALICE, relay.url) as alice,
        account(tmp_path / "bob", BOB, relay.url) as bob,
    ):
        await alice.online()
        await bob.online()
        channel = await alice.channel("ops", BOB)
        await bob.follows(channel)
        monkeypatch.setattr(taking, "take", failing)
        for text in ("one", "two", "three"):
            await alice.send(channel, text)
        await bob.shows(channel, "one", "two", "three")
        assert await bob.reasons() == []
        assert left == [0]
        alice.engine.faults = bob.engine.faults = 0  # planted ones
