"""How long commands take from start to end."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.processes import command, environment


def bare_interpreter() -> float:
    """Return the seconds that this environment's `python3 -c pass` takes."""
    return one_shot([command("python3"), "-c", "pass"])


def one_shot(words: Sequence[str | Path]) -> float:
    """Return the seconds that a command takes, from before its start to after its end."""
    begun = time.perf_counter()
    subprocess.run(
        words,
        check=True,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begun
