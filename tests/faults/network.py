"""One conversation over a bad network: what comes through, and how soon a dead path is noticed."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.checker import Verdict
from tests.faults.storm import StormSite
from tests.faults.victims import Victim
from tests.faults.workload import SETTLE_SECONDS, Workload
from tests.support.faulty_network import (
    BLACK_HOLE,
    HALF_OPEN,
    NONE,
    Fault,
    FaultyNetwork,
    delayed,
    dripping,
    flipping,
    truncating,
)
from tests.support.site import DaemonProcess
from tests.support.tls_terminator import NAME, TlsTerminator

FAULTS = {
    "black hole": BLACK_HOLE,
    "half-open": HALF_OPEN,
    "slow drip": dripping(0.005),
    "delay": delayed(0.1, 0.2),
    "bit flips": flipping(0.1),
    "truncation": truncating(0.1),
    "reset": NONE,  # and every connection is reset, again and again
}
SPOILED_SECONDS = 2.5  # for what is not spoiled to arrive
PATIENT = ("black hole", "half-open", "slow drip", "delay")
"""Faults that sessions survive for a while; the others end each session, so links are to hurry."""
RESET_SECONDS = 0.3  # between two resets
CERTIFICATES = "SSL_CERT_FILE"


@dataclass
class Passage:
    """Be what became of a conversation under faults."""

    verdicts: list[Verdict] = field(default_factory=list)
    under_way: dict[str, object] = field(default_factory=dict)
    quarantined: list[dict[str, object]] = field(default_factory=list)
    said_during: dict[str, int] = field(default_factory=dict)
    sessions: int = 0
    broken_by_tls: int = 0

    @property
    def violations(self) -> list[str]:
        """Return what broke a promise."""
        wrong = [str(verdict) for verdict in self.verdicts if not verdict.is_clean]
        wrong += [f"warned: {warning}" for warning in self.quarantined]
        return wrong + ([f"never settled: {self.under_way}"] if self.under_way else [])


@dataclass(frozen=True)
class Scene:
    """Be a site whose first member reaches the relay by TLS over a bad network."""

    site: StormSite
    network: FaultyNetwork
    tls: TlsTerminator
    workload: Workload


@asynccontextmanager
async def scene(folder: Path, *, quick: bool, plain: bool = False) -> AsyncIterator[Scene]:
    """Build it; `quick`: the daemons notice a dead path in half a second instead of five."""
    before = os.environ.get(CERTIFICATES)
    async with StormSite(folder) as site:
        await site.relay.start()
        async with TlsTerminator(folder, site.relay.port) as tls:
            port = site.relay.port if plain else tls.port
            async with FaultyNetwork("127.0.0.1", port) as network:
                os.environ[CERTIFICATES] = str(tls.certificate)
                try:
                    url = network.url if plain else f"wss://{NAME}:{network.port}"
                    members = await _members(site, url, quick=quick)
                    workload = Workload(site, members)
                    await workload.begin("bad network")
                    try:
                        yield Scene(site, network, tls, workload)
                    finally:
                        await workload.end()
                finally:
                    os.environ.pop(CERTIFICATES)
                    if before is not None:
                        os.environ[CERTIFICATES] = before


async def _members(site: StormSite, url: str, *, quick: bool) -> list[DaemonProcess]:
    made: list[DaemonProcess] = []
    for name, relay in (("alice", url), ("bob", None)):
        daemon = site.daemon(name, relay=relay)
        assert isinstance(daemon.process, Victim)
        daemon.process.quick_link = quick
        await daemon.start()
        token = await site.relay.token(daemon.identity)
        account = await daemon.client.register(daemon.identity, token=token)
        assert account["state"] == "registered", account
        made.append(daemon)
    return made


async def through(
    folder: Path, names: Sequence[str], seconds: float, *, quick: bool, plain: bool = False
) -> Passage:
    """Talk under one fault after the other, each for so long and then a well network; judge."""
    passage = Passage()
    async with scene(folder, quick=quick, plain=plain) as set_up:
        workload, network = set_up.workload, set_up.network
        await workload.more(10)
        for name in names:
            before = workload.acknowledged
            await suffer(network, name, FAULTS[name], seconds)
            workload.check()
            passage.said_during[name] = workload.acknowledged - before
            network.fault = NONE
            network.reset_all()  # what a swallowed chunk has left behind is no connection any more
            await workload.more(10)
        # Nothing brings back what a flipped bit spoiled: who waits for it waits in vain.
        passage.verdicts = await workload.settle(SPOILED_SECONDS if plain else SETTLE_SECONDS)
        passage.under_way = await workload.undelivered()
        passage.quarantined = [w for hearer in workload.hearers for w in hearer.warnings]
        passage.sessions = len(network.attempts)
        passage.broken_by_tls = set_up.tls.broken
    return passage


async def suffer(network: FaultyNetwork, name: str, fault: Fault, seconds: float) -> None:
    """Keep a fault up for so long."""
    network.fault = fault
    if name != "reset":
        await asyncio.sleep(seconds)
        return
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        network.reset_all()
        await asyncio.sleep(RESET_SECONDS)


async def noticed_after(folder: Path, fault: Fault, *, quick: bool) -> float:
    """Return the seconds from the beginning of a fault until the daemon says that the link is down."""
    async with scene(folder, quick=quick) as set_up:
        await set_up.workload.more(10)
        client = set_up.workload.members[0].client
        async with client.listen(kinds=["link"], from_="now", timeout=30.0) as events:
            set_up.network.fault = fault
            began = time.monotonic()
            async for event in events:
                if dict(event["data"])["state"] != "online":
                    return time.monotonic() - began
    raise AssertionError  # a listener ends by an error
