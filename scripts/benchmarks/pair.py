"""Two daemons that know each other, and the wait until nothing is on its way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from peerpost import AsyncClient
from tests.support.site import DaemonProcess, RelayProcess, Site

WARM_UP = 20  # messages before anything is timed
POLL_SECONDS = 0.01
SETTLE_SECONDS = 120.0


class Pair(NamedTuple):
    """Be two daemons and the relay between them."""

    alice: DaemonProcess
    bob: DaemonProcess
    relay: RelayProcess


@asynccontextmanager
async def running_pair(folder: Path) -> AsyncIterator[Pair]:
    """Run a relay and two daemons that have exchanged messages, in both caches and indexes."""
    async with Site(folder) as site:
        await site.relay.start()
        alice, bob = await site.members("alice", "bob")
        for _ in range(WARM_UP):
            await alice.client.send(to=bob.identity, text="warm", wait="delivered")
        yield Pair(alice, bob, site.relay)


async def settle(client: AsyncClient) -> None:
    """Wait until every message of a daemon is delivered and acknowledged."""

    async def settled() -> bool:
        return not any((await client.status())["outbox"].values())

    await until(settled)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again whether something is so; raise TimeoutError when it does not become so.

    Asking costs the daemon little; a subscription would add a row and a line for every message.
    """
    async with asyncio.timeout(SETTLE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(POLL_SECONDS)
