"""Draw what `scripts/bench growth --json FILE` measured: one message's cost by readers, channels and what is stored."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

USAGE = "usage: scripts/curves FIGURES.jsonl PICTURE.svg"
INCHES = (11.0, 3.4)
USAGE_CODE = 2
INK = "#555555"
PEN = "#1f77b4"

Curve = list[tuple[int, dict[str, Any]]]


def main(arguments: Sequence[str]) -> int:
    """Draw a file of figures; return the exit code."""
    if len(arguments) != 2:
        print(USAGE, file=sys.stderr)
        return USAGE_CODE
    figures = [json.loads(line) for line in Path(arguments[0]).read_text().splitlines()]
    draw(curves_of(figures), Path(arguments[1]))
    return 0


def curves_of(figures: Sequence[dict[str, Any]]) -> dict[str, Curve]:
    """Return the figures of each curve, smallest size first."""
    curves: dict[str, Curve] = {}
    for figure in figures:
        what, colon, size = figure["metric"].partition(": ")
        if figure["case"] == "growth" and colon:
            curves.setdefault(what, []).append((int(size.replace(",", "")), figure))
    return {what: sorted(curve, key=lambda point: point[0]) for what, curve in curves.items()}


def draw(curves: dict[str, Curve], picture: Path) -> None:
    """Write one picture: a panel each, both axes logarithmic."""
    import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it: the extra `bench`

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    mpl.rcParams["svg.hashsalt"] = "peerpost"  # the same figures are the same file
    mpl.rcParams["svg.fonttype"] = "none"  # text stays text
    mpl.rcParams["text.color"] = mpl.rcParams["axes.labelcolor"] = INK
    drawing, panels = plt.subplots(1, len(curves), figsize=INCHES, sharey=True, squeeze=False)
    for axes, (what, curve) in zip(panels[0], curves.items(), strict=True):
        _panel(axes, what, curve)
    panels[0][0].set_ylabel("processor time, us a message")
    drawing.tight_layout()
    drawing.savefig(picture, metadata={"Date": None})


def _panel(axes: Any, what: str, curve: Curve) -> None:  # noqa: ANN401 - matplotlib has no types of its own
    sizes = [size for size, _ in curve]
    medians = [figure["median"] for _, figure in curve]
    below = [figure["median"] - figure["min"] for _, figure in curve]
    above = [figure["max"] - figure["median"] for _, figure in curve]
    axes.errorbar(sizes, medians, yerr=[below, above], marker="o", color=PEN, capsize=3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(50, 5_000)
    axes.set_xlabel(what)
    axes.grid(visible=True, which="major", alpha=0.3)
    for size, median in zip(sizes, medians, strict=True):
        axes.annotate(
            f"{median:,.0f}", (size, median), (0, 7), textcoords="offset points", ha="center"
        )
