"""A wall clock jumps an hour or a year, at either end or the relay: nothing but what is shown changes."""

from pathlib import Path

import pytest

from tests.support.accounts import account, now_ms
from tests.support.relay_server import running_relay

ALICE, BOB = "alice@example.org", "bob@example.org"
YEAR_MS, HOUR_MS = 365 * 86_400_000, 3_600_000


class Wall:
    """Be a wall clock that can be set."""

    def __init__(self) -> None:
        self.off_ms = 0

    def __call__(self) -> int:
        return now_ms() + self.off_ms


@pytest.mark.parametrize("jump_ms", [YEAR_MS, -YEAR_MS, HOUR_MS, -HOUR_MS])
@pytest.mark.parametrize("end", ["sender", "receiver", "relay"])
async def test_a_conversation_goes_on_whatever_the_clocks_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, jump_ms: int
) -> None:
    walls = {"sender": Wall(), "receiver": Wall(), "relay": Wall()}
    async with running_relay(tmp_path / "relay", clock=walls["relay"]) as relay:
        monkeypatch.setattr("tests.support.accounts.now_ms", walls["sender"])
        async with account(tmp_path / ALICE, ALICE, relay.url) as alice:
            monkeypatch.setattr("tests.support.accounts.now_ms", walls["receiver"])
            async with account(tmp_path / BOB, BOB, relay.url) as bob:
                monkeypatch.setattr("tests.support.accounts.now_ms", walls["sender"])
                await alice.online()
                await bob.online()
                channel = await alice.channel("ops", BOB)
                await bob.follows(channel)
                await alice.outgoing(await alice.send(channel, "before"), "delivered")
                walls[end].off_ms = jump_ms
                await alice.outgoing(await alice.send(channel, "after"), "delivered")
                for one in (alice, bob):
                    one.engine._link.reconnect()
                    await one.told("link", state="online")
                await alice.outgoing(await alice.send(channel, "again"), "delivered")
                walls[end].off_ms = 0
                await alice.outgoing(await alice.send(channel, "back"), "delivered")
                await bob.shows(channel, "before", "after", "again", "back")
                assert await bob.reasons() == await alice.reasons() == []
