"""Bytes in, lines out. A line past its bound is reported once and skipped to its end."""

import enum
import re
from typing import Final

_NEWLINES: Final = re.compile(rb"[\r\n]+")
_NEWLINE: Final = 0x0A


class LineFault(enum.Enum):
    """What can be wrong with a line before it is read."""

    TOO_LONG = enum.auto()


class Lines:
    """Cut what arrives into lines.

    Holds at most ``max_line`` bytes plus what one ``feed`` brings, as long as the owner of the
    socket stops reading while complete lines wait here.
    """

    def __init__(self, max_line: int) -> None:
        self._max_line = max_line
        self._buffer = bytearray()
        self._scanned = 0  # no newline before here
        self._skipping = False

    @property
    def partial(self) -> bool:
        """Say whether a line was begun and is not whole, once `next` has returned None."""
        return bool(self._buffer) or self._skipping

    def feed(self, data: bytes) -> None:
        """Take bytes of the stream."""
        self._buffer += data

    def finish(self) -> None:
        """Take the end of the stream: what has no newline yet is a line as well."""
        self._buffer.append(_NEWLINE)

    def next(self) -> bytes | LineFault | None:
        """Return the next line that is not empty, without its newline; None until one is whole."""
        while (line := self._cut()) is not None:
            if self._skipping:
                self._skipping = False
            elif len(line) > self._max_line:
                return LineFault.TOO_LONG
            elif line:
                return line
        return self._overflow()

    def _cut(self) -> bytes | None:
        self._drop_blank()
        end = self._buffer.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._buffer)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._scanned = 0
        return line

    def _drop_blank(self) -> None:
        """Pass over empty lines at once, so that a flood of them costs one step."""
        if self._skipping or not self._buffer or self._buffer[0] not in b"\r\n":
            return
        if blank := _NEWLINES.match(self._buffer):
            end = blank.end()
            del self._buffer[:end]
            self._scanned = 0

    def _overflow(self) -> LineFault | None:
        if len(self._buffer) <= self._max_line and not self._skipping:
            return None
        first = not self._skipping
        self._skipping = True
        self._buffer.clear()
        self._scanned = 0
        return LineFault.TOO_LONG if first else None
