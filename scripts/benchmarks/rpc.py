"""Round trips on the daemon's socket, beside an echo of the same line by a bare event loop.

One blocking socket asks, one line after the other, so the client costs the same everywhere and
nothing is in flight but the line. `message.send` is durable before it is answered; what it sets
off (sealing, sending, receipts) goes on behind, as it does in use.
"""

import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from peerpost import rpc
from scripts.benchmarks.case import Case, Plan
from scripts.benchmarks.figure import Sample, percentile, spread
from scripts.benchmarks.pair import Pair, running_pair, settle
from tests.support.processes import Process

ECHO = Path(__file__).with_name("echo.py")
READ_BYTES = 65536
TIMEOUT_SECONDS = 30.0
MICROSECONDS = 1e6


async def measure(plan: Plan) -> AsyncGenerator[Sample, None]:
    """Yield p50 and p99 of both methods and of their lines echoed, and the ratios of the p50."""
    for folder in plan.run_folders():
        async with running_pair(folder) as pair, _running_echo(folder) as echo:
            for method, params in _calls(pair).items():
                line = rpc.request(1, method, params)
                echoed = _round_trips(echo, line, plan.messages)
                asked = _round_trips(pair.alice.socket, line, plan.messages)
                await settle(pair.alice.client)
                for sample in _compared(method, asked, echoed):
                    yield sample


def _calls(pair: Pair) -> dict[str, dict[str, Any]]:
    return {
        "daemon.status": {},
        "message.send": {"to": pair.bob.identity, "text": "a line of text"},
    }


def _compared(method: str, asked: list[float], echoed: list[float]) -> list[Sample]:
    ratio = percentile(asked, 0.5) / percentile(echoed, 0.5)
    return [
        *spread("peerpostd", method, "us", asked),
        *spread("echo", method, "us", echoed),
        Sample("peerpostd", f"{method} times the echo", "x", ratio),
    ]


def _round_trips(path: Path, line: bytes, count: int) -> list[float]:
    """Return the µs from a line to its answer; the first one, which opens caches, is left out."""
    times = []
    with _connected(path) as connection:
        for _ in range(count + 1):
            begun = time.perf_counter()
            answer = _ask(connection, line)
            times.append((time.perf_counter() - begun) * MICROSECONDS)
            assert b'"error"' not in answer, answer
    return times[1:]


def _ask(connection: socket.socket, line: bytes) -> bytes:
    connection.sendall(line)
    answer = b""
    while not answer.endswith(b"\n"):
        answer += connection.recv(READ_BYTES)
    return answer


@contextmanager
def _connected(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT_SECONDS)
        connection.connect(str(path))
        yield connection


@asynccontextmanager
async def _running_echo(folder: Path) -> AsyncIterator[Path]:
    path, process = folder / "echo.sock", Process("python3", folder / "echo.log")
    try:
        await process.start(ECHO, path)
        yield path
    finally:
        await process.kill()


CASE = Case("rpc", "round trips of daemon.status and message.send", measure, 5, 500)
