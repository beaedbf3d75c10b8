"""Durations as people write them."""

from __future__ import annotations

SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
LONGEST = 10 * 365 * 86_400.0  # seconds


def duration(text: str) -> float:
    """Return the seconds of `90`, `1.5`, `30s`, `5m`, `1h`, `2d` or `1w`; raise ValueError."""
    number, factor = (text[:-1], SECONDS[text[-1]]) if text[-1:] in SECONDS else (text, 1.0)
    seconds = float(number) * factor
    if not 0 < seconds <= LONGEST:  # NaN fails as well
        raise ValueError(text)
    return seconds
