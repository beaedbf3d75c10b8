"""What was measured where: the commit, and the machine without its name."""

import os
import platform
import sqlite3
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARIES = ("websockets", "uvloop", "PyNaCl", "msgspec", "aiosqlite")


@dataclass(frozen=True)
class Machine:
    """Be what figures depend on."""

    commit: str
    cores: int
    processor: str
    python: str
    kernel: str
    versions: str  # of the libraries that decide, and of SQLite
    load: float  # processes that wanted to run in the minute before

    @property
    def is_busy(self) -> bool:
        """Tell whether others took so much of it that only ratios within a run mean something."""
        return self.load > self.cores / 4


def this_machine() -> Machine:
    """Return this machine and the commit of this checkout."""
    return Machine(
        commit=_commit(),
        cores=len(os.sched_getaffinity(0)),
        processor=_processor(),
        python=platform.python_version(),
        kernel=f"{platform.system()} {platform.release()}",
        versions=_versions(),
        load=round(os.getloadavg()[0], 2),
    )


def _versions() -> str:
    found = [f"{name} {version(name)}" for name in LIBRARIES]
    return ", ".join([*found, f"SQLite {sqlite3.sqlite_version}"])


def _commit() -> str:
    """Return the short id, with `-dirty` when tracked files differ from it."""
    describe = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        told = subprocess.run(describe, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
