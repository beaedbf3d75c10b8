"""Three hundred daemons' links lose their relay at once: when each comes back, and whether all do.

The links are the daemon's own (`peerpost_daemon.link`), with real sockets, in one process; nothing
else of a daemon is there. The relay is a real process; a proxy in front of it sees every attempt.
"""

import asyncio
import os
import random
import resource
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from peerpost_daemon.link import Credentials, LinkSettings, LinkState, LinkStatus, RelayLink
from peerpost_protocol.frames import (
    Attestation,
    BackupFetch,
    CardNotice,
    ChannelState,
    Cursor,
    Item,
)
from peerpost_protocol.signing import Signed
from tests.faults.victims import Victim
from tests.support.faulty_network import FaultyNetwork
from tests.support.processes import free_port
from tests.support.relay_client import Person, now_ms
from tests.support.site import RelayProcess

BIN_SECONDS = 0.1
ALL_BACK_SECONDS = 60.0
DESCRIPTORS_A_LINK = 4  # its socket, the proxy's two, the relay's own
OPENING = 50  # links that begin together: what is measured is the return, not the first time


@dataclass(frozen=True)
class Return:
    """Be how the links came back."""

    links: int
    online: int
    delays: list[float]  # that the links chose, seconds
    attempts: int
    busiest_bin: int  # attempts within BIN_SECONDS
    seconds: float  # from the relay's being back until all were online

    @property
    def violations(self) -> list[str]:
        """Return what broke a promise."""
        if self.online == self.links:
            return []
        return [f"{self.links - self.online} of {self.links} links did not come back"]

    def share_in_busiest_tenth(self) -> float:
        """Return the share of the delays in the fullest tenth of their span (even is 0.1)."""
        longest = max(self.delays)
        tenths = Counter(min(9, int(10 * delay / longest)) for delay in self.delays)
        return max(tenths.values()) / len(self.delays)


class _Ear:
    """Hear what a link says and note its delays."""

    def __init__(self) -> None:
        self.online = asyncio.Event()
        self.delays: list[float] = []

    async def welcomed(self, relay_key: bytes, attestation: Attestation, epoch: bytes) -> None:
        return None

    async def cursors(self) -> tuple[Cursor, ...]:
        return ()

    async def subscribed(self, states: tuple[ChannelState, ...]) -> None:
        return None

    def deliver(self, channel: bytes, items: tuple[Item, ...], size: int) -> None:
        return None

    def receipt(self, channel: bytes, revision: int, receipt: Signed, size: int) -> None:
        return None

    def backup_fetched(self, fetch: BackupFetch) -> None:
        return None

    def cards(self, news: CardNotice, size: int) -> None:
        return None

    def joined(self, state: ChannelState) -> None:
        return None

    def changed(self, status: LinkStatus) -> None:
        if status.state is LinkState.ONLINE:
            self.online.set()
        elif status.state is LinkState.WAITING:
            self.online.clear()
            if status.retry_in_ms is not None:
                self.delays.append(status.retry_in_ms / 1000)


async def come_back(folder: Path, count: int, *, killed: bool) -> Return:
    """Bring so many links online, restart the relay (killed, or stopped in order), wait for all."""
    _allow_descriptors(count * DESCRIPTORS_A_LINK + 256)
    relay = RelayProcess(folder / "relay", free_port())
    relay.process = Victim("relay", folder / "relay.log")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(relay.process.kill)
        await relay.process.start(*_serve(relay))
        network = await stack.enter_async_context(FaultyNetwork("127.0.0.1", relay.port))
        ears = [_Ear() for _ in range(count)]
        for start in range(0, count, OPENING):
            for number in range(start, min(count, start + OPENING)):
                link = _link(network.url, f"member-{number}@example.org", ears[number])
                task = asyncio.create_task(link.run())
                stack.push_async_callback(_stop, link, task)
            await _all_online(ears[start : start + OPENING])
        network.attempts.clear()
        for ear in ears:
            ear.delays.clear()
        await (relay.process.kill() if killed else relay.process.stop())
        await relay.process.start(*_serve(relay))
        back = time.monotonic()
        await _all_online(ears)
        return Return(
            count,
            sum(ear.online.is_set() for ear in ears),
            [ear.delays[0] for ear in ears if ear.delays],
            len(network.attempts),
            max(Counter(int(at / BIN_SECONDS) for at in network.attempts).values(), default=0),
            time.monotonic() - back,
        )


def _serve(relay: RelayProcess) -> tuple[str | Path, ...]:
    where = f"127.0.0.1:{relay.port}"
    return ("serve", "--data", relay.folder, "--listen", where, "--allow-without-token")


def _link(url: str, identity: str, ear: _Ear) -> RelayLink:
    person = Person(identity)
    return RelayLink(
        LinkSettings(url),
        Credentials(person.card, person.keys),
        ear,
        now_ms=now_ms,
        monotonic=time.monotonic,
        random_bytes=os.urandom,
        jitter=random.random,
    )


async def _all_online(ears: list[_Ear]) -> None:
    try:
        async with asyncio.timeout(ALL_BACK_SECONDS):
            await asyncio.gather(*(ear.online.wait() for ear in ears))
    except TimeoutError:
        pass  # the figures say how many are missing


async def _stop(link: RelayLink, task: asyncio.Task[None]) -> None:
    await link.close()
    await task


def _allow_descriptors(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
