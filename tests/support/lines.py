"""A real text to talk about: lines in many scripts, then sources of the standard library."""

import difflib
import heapq
import itertools
import locale
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

WRITTEN_FOR_THIS = Path(__file__).parents[2] / "scripts" / "demo_text"
MODULES: tuple[ModuleType, ...] = (heapq, textwrap, difflib, locale)


def spoken_lines(count: int) -> list[str]:
    """Return so many lines that are not blank; the text begins anew when it is at its end."""
    return list(itertools.islice(itertools.cycle(list(_text())), count))


def _text() -> Iterator[str]:
    for path in (*sorted(WRITTEN_FOR_THIS.glob("*.txt")), *_sources()):
        yield from filter(str.strip, path.read_text("utf-8").splitlines())


def _sources() -> Iterator[Path]:
    return (Path(module.__file__) for module in MODULES if module.__file__)
