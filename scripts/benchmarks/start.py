"""From the start of `peerpostd` to its `ready` line, with a vault that it opens.

The derivation of the vault's key is slow on purpose, so its share is timed apart: the same key
file, opened by the same code, right after each start. A bare interpreter is started beside it.
"""

import time
from collections.abc import AsyncGenerator

from peerpost_daemon.settings import DaemonSettings
from peerpost_daemon.vault import keyfile
from scripts.benchmarks.case import Case, Plan
from scripts.benchmarks.figure import Sample
from scripts.benchmarks.interpreter import bare_interpreter
from scripts.benchmarks.pair import running_pair, settle
from tests.support.site import DaemonProcess

MILLISECONDS = 1e3


async def measure(plan: Plan) -> AsyncGenerator[Sample, None]:
    """Yield the whole, the key derivation's share, and what is left."""
    async with running_pair(plan.folder / "pair") as pair:
        for number in range(plan.messages):
            await pair.alice.client.send(to=pair.bob.identity, text=f"message {number}")
        await settle(pair.alice.client)
        for _ in range(plan.runs):
            ready = await _until_ready(pair.alice)
            derivation = _key_derivation(pair.alice)
            yield Sample("peerpostd", "start to ready", "ms", ready)
            yield Sample("peerpostd", "of that, key derivation", "ms", derivation)
            yield Sample("peerpostd", "of that, the rest", "ms", ready - derivation)
            yield Sample("python3 -c pass", "start to end", "ms", bare_interpreter() * MILLISECONDS)


async def _until_ready(daemon: DaemonProcess) -> float:
    await daemon.stop()
    begun = time.perf_counter()
    await daemon.start()
    return (time.perf_counter() - begun) * MILLISECONDS


def _key_derivation(daemon: DaemonProcess) -> float:
    where = DaemonSettings(data=daemon.data, socket=daemon.socket)
    sealed = where.key_file.read_bytes()
    begun = time.perf_counter()
    keyfile.unseal(sealed, daemon.passphrase)
    return (time.perf_counter() - begun) * MILLISECONDS


CASE = Case("start", "peerpostd from start to ready", measure, 10, 100)
