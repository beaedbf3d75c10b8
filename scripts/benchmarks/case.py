"""What a case is, and what it is told."""

import shutil
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.benchmarks.figure import Sample


@dataclass(frozen=True)
class Peer:
    """Be another system that can do a case's work; `program` is what has to be installed."""

    name: str
    program: str

    @property
    def is_installed(self) -> bool:
        """Tell whether its program is in PATH."""
        return shutil.which(self.program) is not None


@dataclass(frozen=True)
class Plan:
    """Say how much to measure, and where: an empty folder that lives as long as the case."""

    folder: Path
    runs: int
    messages: int  # of each run, or whatever the case repeats within a run
    peers: frozenset[str] = frozenset()

    def run_folders(self) -> Sequence[Path]:
        """Return a folder for each run; none exists yet."""
        return [self.folder / str(number) for number in range(self.runs)]


Measure = Callable[[Plan], AsyncGenerator[Sample, None]]


@dataclass(frozen=True)
class Case:
    """Be something to measure: `measure` yields one sample a run of each system and metric.

    Yardsticks (a bare interpreter, an echo) are measured always; `peers` only when asked for.
    """

    name: str
    summary: str
    measure: Measure
    runs: int
    messages: int
    peers: tuple[Peer, ...] = ()


@dataclass(frozen=True)
class Skipped:
    """Say which peer was asked for but not measured, and why."""

    case: str
    peer: str
    reason: str


def choose_peers(case: Case, asked: Sequence[str]) -> tuple[frozenset[str], list[Skipped]]:
    """Return the peers to measure beside a case, and those that it has to do without."""
    known = {peer.name: peer for peer in case.peers}
    reasons = {
        name: "it does not do this work"
        if name not in known
        else f"{known[name].program} is not installed"
        for name in asked
        if name not in known or not known[name].is_installed
    }
    skipped = [Skipped(case.name, name, reason) for name, reason in reasons.items()]
    return frozenset(asked) - reasons.keys(), skipped
