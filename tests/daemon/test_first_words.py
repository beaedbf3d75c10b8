"""Direct conversations need no set-up; both sides writing first at once end in one channel, in every order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest

from peerpost_daemon.consent import Consent
from peerpost_daemon.records import channels, consents, requests
from peerpost_daemon.vault.connection import SqlConnection
from tests.support.accounts import RunningAccount, account
from tests.support.processes import free_port
from tests.support.relay_server import running_relay

ALICE, BOB = "alice@example.org", "bob@example.org"


class Pair:
    """Be alice and bob, and their relay, which comes and goes."""

    def __init__(self, folder: Path, stack: AsyncExitStack, consent: Consent) -> None:
        self.folder, self.stack, self.consent = folder, stack, consent
        self.port = free_port()

    def relay(self) -> AbstractAsyncContextManager[object]:
        """Run the relay, on the same port every time."""
        return running_relay(self.folder / "relay", port=self.port)

    async def accounts(self) -> tuple[RunningAccount, RunningAccount]:
        """Begin both, and let the relay know them."""
        url = f"ws://127.0.0.1:{self.port}"
        made = [
            await self.stack.enter_async_context(account(self.folder / who, who, url))
            for who in (ALICE, BOB)
        ]
        for each in made:
            await each.database.write(lambda db: consents.choose(db, self.consent, self.consent))
            await each.online()
        return made[0], made[1]


@pytest.fixture(params=list(Consent))
async def pair(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        yield Pair(tmp_path, stack, request.param)


def _direct(db: SqlConnection) -> list[channels.Channel]:
    return [channel for channel in channels.everything(db) if channel.peer is not None]


def _settled(db: SqlConnection) -> list[channels.Channel]:
    return [one for one in _direct(db) if one.state is channels.ChannelState.ACTIVE]


async def _talk(alice: RunningAccount, bob: RunningAccount) -> None:
    """See that both are in one channel, with each other's words, and that nothing waits."""
    one = (await alice.until(_settled))[0]
    await alice.shows(one.id, "from bob")
    await bob.shows(one.id, "from alice")
    for who in (alice, bob):
        assert [channel.id for channel in await who.read(_direct)] == [one.id]
        assert await who.read(requests.everything) == []
        assert await who.reasons() == []


async def test_both_write_first_while_there_is_no_relay(pair: Pair) -> None:
    async with pair.relay():
        alice, bob = await pair.accounts()
    await alice.send(BOB, "from alice")
    await bob.send(ALICE, "from bob")
    async with pair.relay():
        await _talk(alice, bob)


@pytest.mark.parametrize("first", [ALICE, BOB])
async def test_one_writes_while_the_others_first_words_wait(pair: Pair, first: str) -> None:
    async with pair.relay():
        alice, bob = await pair.accounts()
        early, late = (alice, bob) if first == ALICE else (bob, alice)
        late.engine.outbound.go(online=False)
        await late.send(first, f"from {late.identity.partition('@')[0]}")
        said = await early.send(late.identity, f"from {first.partition('@')[0]}")
        await early.outgoing(said, "sent")
        late.engine.outbound.go(online=True)
        await _talk(alice, bob)


async def test_both_write_at_the_same_moment(pair: Pair) -> None:
    async with pair.relay():
        alice, bob = await pair.accounts()
        await asyncio.gather(alice.send(BOB, "from alice"), bob.send(ALICE, "from bob"))
        await _talk(alice, bob)
