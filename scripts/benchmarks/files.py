"""A large file from one daemon to another: memory of every process, and MB/s of each part of the way.

`--messages` is the size of the file in MiB. Beside it stand `cp` of the same file (always), and `age` encrypting it to
a recipient and writing the result (`--beside age`), in the same run. The file is of random bytes and in the page cache;
all three end with the bytes handed to the file system, and the daemons' with an fsync as well.
"""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from scripts.benchmarks.case import Case, Peer, Plan
from scripts.benchmarks.figure import Sample
from scripts.benchmarks.pair import Pair, running_pair
from scripts.benchmarks.process_figures import resident_mib
from tests.support.processes import Process

MIB = 1024 * 1024
WAIT_SECONDS = 900.0
LOOK_SECONDS = 0.05


async def measure(plan: Plan) -> AsyncGenerator[Sample, None]:
    """Yield MB/s and the most memory that was seen while the file was under way."""
    for folder in plan.run_folders():
        async with running_pair(folder) as pair:
            source = await asyncio.to_thread(_random_file, folder / "source", plan.messages)
            megabytes = source.stat().st_size / 1e6
            for name, seconds in (await _beside(plan, source)).items():
                yield Sample(name, "one file", "MB/s", megabytes / seconds)
            watched = {
                "sender": pair.alice.process,
                "relay": pair.relay.process,
                "receiver": pair.bob.process,
            }
            before = {name: _resident(process) for name, process in watched.items()}
            most = dict(before)
            watching = asyncio.create_task(_watch(watched, most))
            try:
                for part, seconds in (await _moved(pair, source)).items():
                    yield Sample("peerpost", part, "MB/s", megabytes / seconds)
            finally:
                watching.cancel()
            for name in watched:
                yield Sample(name, "memory before", "MiB", before[name])
                yield Sample(name, "memory at most, more", "MiB", most[name] - before[name])


async def _moved(pair: Pair, source: Path) -> dict[str, float]:
    """Send, fetch and save the file; return the seconds of each part, and of all."""
    begun = time.perf_counter()
    sent = await pair.alice.client.send(to=pair.bob.identity, files=[str(source)])
    copied = time.perf_counter()
    await _delivered(pair, sent["message"])
    uploaded = time.perf_counter()
    message = await pair.bob.client.message_show(sent["message"])
    number = message["files"][0]["file"]
    await pair.bob.client.file_fetch(number, timeout=WAIT_SECONDS)
    fetched = time.perf_counter()
    target = source.with_name("saved")
    await pair.bob.client.file_save(number, str(target))
    saved = time.perf_counter()
    compared = ["cmp", "-s", str(source), str(target)]
    same = await asyncio.to_thread(lambda: subprocess.run(compared, check=False))
    assert same.returncode == 0, "another file came than was sent"
    return {
        "copied and encrypted": copied - begun,
        "uploaded": uploaded - copied,
        "fetched and checked": fetched - uploaded,
        "decrypted and saved": saved - fetched,
        "from file to file": saved - begun,
    }


async def _delivered(pair: Pair, message: str) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while (await pair.alice.client.message_status(message))["status"] != "delivered":  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)


async def _watch(processes: dict[str, Process], most: dict[str, float]) -> None:
    while True:
        for name, process in processes.items():
            most[name] = max(most[name], _resident(process))
        await asyncio.sleep(LOOK_SECONDS)


def _resident(process: Process) -> float:
    return resident_mib(process.pid)[0]


async def _beside(plan: Plan, source: Path) -> dict[str, float]:
    found = {"cp": await asyncio.to_thread(_timed, lambda: shutil.copyfile(source, f"{source}.cp"))}
    if "age" in plan.peers:
        found["age"] = await asyncio.to_thread(_age, source)
    return found


def _age(source: Path) -> float:
    """Return the seconds in which age has encrypted the file to a fresh recipient."""
    key = source.with_name("age.key")
    subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
    recipient = subprocess.run(
        ["age-keygen", "-y", key],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    command = ["age", "-r", recipient, "-o", f"{source}.age", str(source)]
    return _timed(lambda: subprocess.run(command, check=True))


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _random_file(path: Path, mebibytes: int) -> Path:
    with path.open("wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(MIB))
    return path


CASE = Case(
    "files",
    "a file of so many MiB, and the memory it takes",
    measure,
    1,
    1024,
    (Peer("age", "age"),),
)
