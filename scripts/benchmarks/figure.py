"""Samples, the figures made of them, and how figures are written."""

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from scripts.benchmarks.machine import Machine

COLUMNS = ("case", "system", "metric", "median", "min", "max", "unit", "runs")
TEXT_COLUMNS = frozenset({"case", "system", "metric", "unit"})


class Sample(NamedTuple):
    """Be what one run measured of one system."""

    system: str
    metric: str
    unit: str
    value: float


@dataclass(frozen=True)
class Figure:
    """Be all runs of one metric of one system."""

    case: str
    system: str
    metric: str
    unit: str
    median: float
    min: float
    max: float
    runs: int


def figures_of(case: str, samples: Iterable[Sample]) -> list[Figure]:
    """Return a figure for each metric of each system, in the order of their first samples."""
    values: dict[tuple[str, str, str], list[float]] = {}
    for system, metric, unit, value in samples:
        values.setdefault((system, metric, unit), []).append(value)
    return [
        Figure(case, *what, statistics.median(all_), min(all_), max(all_), len(all_))
        for what, all_ in values.items()
    ]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` (0 to 1) of all values do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def spread(system: str, metric: str, unit: str, values: Sequence[float]) -> list[Sample]:
    """Return the p50 and the p99 of what one run timed."""
    return [
        Sample(system, f"{metric} {name}", unit, percentile(values, share))
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]


def json_line(figure: Figure, machine: Machine) -> str:
    """Return a figure and where it was measured as one line of JSON."""
    told = asdict(machine)
    return json.dumps({**asdict(figure), "commit": told.pop("commit"), "machine": told})


def table(figures: Sequence[Figure]) -> str:
    """Return figures as a table for people."""
    rows = [COLUMNS, *([_cell(figure, column) for column in COLUMNS] for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _cell(figure: Figure, column: str) -> str:
    value: str | float = getattr(figure, column)
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        cell.ljust(width) if column in TEXT_COLUMNS else cell.rjust(width)
        for column, cell, width in zip(COLUMNS, row, widths, strict=True)
    )
    return "  ".join(cells).rstrip()
