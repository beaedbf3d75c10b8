"""Cut a stream of bytes into lines, without I/O and with a bound."""

from __future__ import annotations

from peerpost.errors import PeerpostError

MAXIMUM_LINE_BYTES = 32 * 1024 * 1024  # one JSON-RPC message: 500 long texts fit, a flood does not


class LineBuffer:
    """Hold received bytes until a whole line is there."""

    __slots__ = ("_bytes", "_scanned")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._scanned = 0

    def feed(self, data: bytes) -> None:
        """Add received bytes; raise `bad_answer` when a line outgrows MAXIMUM_LINE_BYTES."""
        self._bytes += data
        if len(self._bytes) > MAXIMUM_LINE_BYTES and b"\n" not in self._bytes:
            raise PeerpostError("bad_answer", "The daemon sent a line without an end.")

    def take(self) -> bytes | None:
        """Return the next whole line without its newline, or None when more bytes are needed."""
        end = self._bytes.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._bytes)
            return None
        line = bytes(self._bytes[:end])
        del self._bytes[: end + 1]
        self._scanned = 0
        return line
