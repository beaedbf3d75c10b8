"""What has waited too long is given up, and a clock that jumps gives up nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.outbound.ageing import GRACE_SECONDS, Ageing
from tests.support.accounts import RunningAccount, account

BOB = "bob@example.org"
DAY_MS = 86_400_000


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
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
async def message(alice: RunningAccount, clocks: Clocks) -> bytes:
    message = await alice.send(BOB, "hello")
    row = await alice.outgoing(message, "queued")
    clocks.wall_ms = row.queued_at_ms
    return message


def _ageing(alice: RunningAccount, clocks: Clocks) -> Ageing:
    return Ageing(
        alice.database,
        alice.bell,
        7 * 86_400.0,
        now_ms=lambda: clocks.wall_ms,
        monotonic=lambda: clocks.steady,
    )


async def test_what_has_waited_too_long_fails_with_the_reason(
    alice: RunningAccount, clocks: Clocks, message: bytes
) -> None:
    ageing = _ageing(alice, clocks)
    clocks.pass_(7 * 86_400 + 1)
    await ageing.look()
    await alice.outgoing(message, "queued")
    clocks.pass_(GRACE_SECONDS)
    await ageing.look()
    row = await alice.outgoing(message, "failed")
    assert row.reason == "too_old"
    assert (await alice.told("message.status", status="failed"))["reason"] == "too_old"


@pytest.mark.parametrize("jump_ms", [365 * DAY_MS, -365 * DAY_MS])
async def test_a_clock_that_jumps_and_is_put_right_gives_up_nothing(
    alice: RunningAccount, clocks: Clocks, message: bytes, jump_ms: int
) -> None:
    ageing = _ageing(alice, clocks)
    clocks.wall_ms += jump_ms
    await ageing.look()
    clocks.wall_ms -= jump_ms
    clocks.pass_(GRACE_SECONDS)
    await ageing.look()
    clocks.wall_ms += jump_ms
    await ageing.look()
    await alice.outgoing(message, "queued")


async def test_what_may_be_at_the_relay_is_not_given_up(
    alice: RunningAccount, clocks: Clocks, message: bytes
) -> None:
    await alice.database.write(lambda db: db.execute("UPDATE outbox SET state = 'sealed'").rowcount)
    ageing = _ageing(alice, clocks)
    for _ in range(2):
        clocks.pass_(8 * 86_400)
        await ageing.look()
    await alice.outgoing(message, "sealed")
