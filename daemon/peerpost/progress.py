"""A progress bar on a terminal; nothing at all in a pipe."""

from __future__ import annotations

import sys
from time import monotonic

from peerpost.terminal import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

WIDTH = 30
EVERY_SECONDS = 0.1
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024


class Progress:
    """Show on standard error how many bytes of something have moved; `total` None: nobody knows."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what = label(what)[:WIDTH]
        self._total = total
        self._shows = sys.stderr is not None and sys.stderr.isatty()
        self._shown_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._shows and self._shown_at:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def at(self, done: int) -> None:
        """Show how many bytes have moved, now and then."""
        now = monotonic()
        if self._shows and now - self._shown_at >= EVERY_SECONDS:
            self._shown_at = now
            print(f"\r\x1b[K{self._line(done)}", end="", file=sys.stderr, flush=True)

    def _line(self, done: int) -> str:
        if not self._total:
            return f"{self._what} {size(done)}"
        part = min(1.0, done / self._total)
        bar = "#" * int(WIDTH * part)
        return f"{self._what} [{bar:{WIDTH}}] {part:4.0%} of {size(self._total)}"


def size(number: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in _UNITS:
        if number < _STEP or unit == _UNITS[-1]:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= _STEP
    raise AssertionError
