"""Resident memory of relay and daemons after a conversation of three.

The peak of a daemon is the derivation of the vault's key (Argon2id, 64 MiB), given back at once.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from scripts.benchmarks.case import Case, Plan
from scripts.benchmarks.figure import Sample
from scripts.benchmarks.pair import settle, until
from scripts.benchmarks.process_figures import resident_mib
from tests.support.site import DaemonProcess, Site

NAMES = ("alice", "bob", "carol")
CHANNEL = "demo"
TEXT = "Line {} of a conversation in which everybody speaks in turn and everybody hears it."


async def measure(plan: Plan) -> AsyncGenerator[Sample, None]:
    """Yield MiB before and after; of the daemons the largest."""
    for folder in plan.run_folders():
        async with Site(folder) as site:
            await site.relay.start()
            daemons = await site.members(*NAMES)
            for sample in _occupied("after start", site, daemons):
                yield sample
            await _converse(daemons, plan.messages)
            for sample in _occupied("after the conversation", site, daemons):
                yield sample


async def _converse(daemons: Sequence[DaemonProcess], count: int) -> None:
    owner, *others = daemons
    await owner.client.channel_create(CHANNEL, [other.identity for other in others])
    await asyncio.gather(*(_knows_channel(other) for other in others))
    async with asyncio.TaskGroup() as group:
        for number, daemon in enumerate(daemons):
            group.create_task(_speak(daemon, range(number, count, len(daemons))))
    await asyncio.gather(*(_has(daemon, count) for daemon in daemons))
    await asyncio.gather(*(settle(daemon.client) for daemon in daemons))


async def _speak(daemon: DaemonProcess, numbers: range) -> None:
    for number in numbers:
        await daemon.client.send(channel=CHANNEL, text=TEXT.format(number))


async def _knows_channel(daemon: DaemonProcess) -> None:
    async def known() -> bool:
        return bool((await daemon.client.channel_list())["channels"])

    await until(known)


async def _has(daemon: DaemonProcess, count: int) -> None:
    async def all_there() -> bool:
        return (await daemon.client.status())["messages"] >= count

    await until(all_there)


def _occupied(when: str, site: Site, daemons: Sequence[DaemonProcess]) -> list[Sample]:
    relay = resident_mib(site.relay.process.pid)
    now, peak = zip(*(resident_mib(daemon.process.pid) for daemon in daemons), strict=True)
    return [
        Sample("relay", f"resident {when}", "MiB", relay[0]),
        Sample("daemon", f"resident {when}", "MiB", max(now)),
        Sample("relay", f"peak {when}", "MiB", relay[1]),
        Sample("daemon", f"peak {when}", "MiB", max(peak)),
    ]


CASE = Case("memory", "resident memory after a conversation of three", measure, 5, 1200)
