"""Is the clock far off: what can be told without asking anybody.

A clock that is far behind signs what others refuse; one that is far ahead lets everything expire. Both are told from
when a store was last written, which the clock itself once said. Pure: times are given in ms since the epoch.
"""

from datetime import UTC, datetime

EARLIEST_MS = 1_767_225_600_000  # 2026-01-01: this program was not made before
BEHIND_MS = 86_400_000  # a day: what a clock may have been put back since the last write
AHEAD_MS = 366 * 86_400_000  # a year: what a store may have lain unused


def far_off(now_ms: int, written_ms: int | None) -> str | None:
    """Return a clause that says how the clock is far off, None when it may be right.

    `written_ms` is when the store was last written, None where there is none yet.
    """
    if now_ms < EARLIEST_MS:
        return f"the clock says {_shown(now_ms)}, before this program was made"
    if written_ms is None:
        return None
    if now_ms < written_ms - BEHIND_MS:
        return f"the clock says {_shown(now_ms)}, but the store was written on {_shown(written_ms)}"
    if now_ms > written_ms + AHEAD_MS:
        return f"the clock says {_shown(now_ms)}, more than a year after the store was last written"
    return None


def _shown(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1_000, UTC):%Y-%m-%d}"
