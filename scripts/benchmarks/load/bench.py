"""What all measurements of one run share: where, with which generator, on which cores."""

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from scripts.benchmarks.figure import Sample
from scripts.benchmarks.load.generator import SHARE_MAX, Counted, GeneratorError, Load, generate


@dataclass
class Bench:
    """Be a run's folder, generator and cores: the server's own one, and everybody else's."""

    folder: Path
    program: Path
    server_core: int | None
    own_core: int | None
    messages: int
    _names: Iterator[int] = field(default_factory=count)

    def place(self) -> Path:
        """Return a path that is not there yet."""
        return self.folder / f"place{next(self._names)}"

    def run(self, load: Load) -> Counted:
        """Generate a load; raise GeneratorError when the generator was too busy to measure."""
        counted = generate(self.program, load, self.own_core)
        if counted.cpu_share > SHARE_MAX:
            raise GeneratorError(f"void: the generator had {counted.cpu_share:.2f} of its core")
        return counted


def cores() -> tuple[int | None, int | None]:
    """Return a core for the server and one for the generator, None where there is but one."""
    available = sorted(os.sched_getaffinity(0))
    return (available[0], available[1]) if len(available) > 1 else (None, None)


def raise_open_files() -> int:
    """Allow this process and its children as many open files as may be; return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def generator_share(system: str, what: str, counted: Counted) -> Sample:
    """Return how busy the generator was."""
    return Sample(system, f"{what}, generator's share of its core", "x", counted.cpu_share)
