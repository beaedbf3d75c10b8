"""Build and run the load generator (generator.c): it must never be the bottleneck.

A Python generator cannot be that at a million deliveries a second, so it is C, built by the
system's `cc` into the benchmark's own folder.
"""

import json
import os
import shutil
import struct
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import NamedTuple

SOURCE = Path(__file__).with_name("generator.c")
SHARE_MAX = 0.9  # of one core; above it the generator may have been what was measured
RUN_SECONDS = 180
MARK = "@bench-mark@"  # what every message holds, with its number of ten digits behind it


class GeneratorError(Exception):
    """Say why a run counts for nothing: the generator failed, or lost or doubled a message."""


class Counted(NamedTuple):
    """Be what the generator counted; times in seconds."""

    seconds: float
    cpu_share: float
    messages: int
    deliveries: int
    bytes: int
    reads: int
    p50: float
    p99: float
    max: float
    caught_up_seconds: float
    side: int
    unfinished: int  # messages that had not reached everybody when it was cut off


def compiler() -> str | None:
    """Return the C compiler of this system."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def build(folder: Path) -> Path:
    """Compile the generator into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    built = folder / "generator"
    subprocess.run([compiler() or "cc", "-O2", "-o", built, SOURCE], check=True)
    return built


def marked(number: int) -> bytes:
    """Return the mark of a message."""
    return f"{MARK}{number:010}".encode()


def write_frames(path: Path, frames: Iterable[tuple[int, bytes]]) -> Path:
    """Write (connection, bytes) pairs as the generator reads them."""
    with path.open("wb") as data, path.with_name(path.name + ".index").open("wb") as index:
        for connection, frame in frames:
            data.write(frame)
            index.write(struct.pack("=II", connection, len(frame)))
    return path


@dataclass
class Load:
    """Be one run's load: who sends what to whom."""

    frames: Path
    publishers: Sequence[socket]
    readers: Sequence[socket] = ()
    catchers: Sequence[socket] = ()
    options: dict[str, object] = field(default_factory=dict)

    def arguments(self) -> list[str]:
        """Return the generator's arguments."""
        groups = {
            "publishers": self.publishers,
            "readers": self.readers,
            "catchers": self.catchers,
        }
        listed = {
            name: ",".join(str(each.fileno()) for each in sockets)
            for name, sockets in groups.items()
            if sockets
        }
        return [
            f"{name}={value}"
            for name, value in {"frames": self.frames, **self.options, **listed}.items()
        ]

    def descriptors(self) -> list[int]:
        """Return what the generator must be given."""
        return [s.fileno() for s in (*self.publishers, *self.readers, *self.catchers)]


def generate(program: Path, load: Load, core: int | None) -> Counted:
    """Run the load on one core; raise GeneratorError."""
    with pinned(core):
        process = subprocess.Popen(
            [program, *load.arguments()],
            pass_fds=load.descriptors(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    try:
        out, err = process.communicate(timeout=RUN_SECONDS)
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise GeneratorError(err.decode().strip())
    return Counted(**json.loads(out))


class pinned:  # noqa: N801  a context manager that reads as a word
    """Start processes on one core: what is started within inherits it, with all its threads."""

    def __init__(self, core: int | None) -> None:
        self._core = core
        self._before = os.sched_getaffinity(0)

    def __enter__(self) -> None:
        """Go to the core, None: stay everywhere."""
        if self._core is not None:
            os.sched_setaffinity(0, {self._core})

    def __exit__(self, *_: object) -> None:
        """Go back."""
        os.sched_setaffinity(0, self._before)
