"""A stream of lines as a few messages: `journalctl -f | peerpost send ops --lines`.

Lines are collected until there are enough of them, or until the first of them has waited long enough. While the outbox
is full, or the daemon is restarted, the stream waits: whoever writes it is held up by the pipe, and no line is lost.
"""

from __future__ import annotations

import os
import select
import time

from peerpost.errors import LockedError, NoDaemonError, PeerpostError
from peerpost.terminal import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAXIMUM_LINES = 200
MAXIMUM_BYTES = 32 * 1024  # of a message; a longer line becomes several messages
LONGEST_WAIT_SECONDS = 1.0  # of the first line
READ_BYTES = 64 * 1024
RETRY_SECONDS = 1.0  # until it is tried again, where the daemon does not say


class Batch:
    """Collect lines; a machine without clock and input."""

    def __init__(self) -> None:
        self._pending = b""  # a line whose end has not come yet
        self._lines: list[bytes] = []
        self._bytes = 0
        self._since: float | None = None

    def add(self, data: bytes, now: float) -> Iterator[str]:
        """Take bytes in; yield the texts that are complete because they are full."""
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            yield from self._take(line, now)
        while len(self._pending) > MAXIMUM_BYTES:
            head, self._pending = self._pending[:MAXIMUM_BYTES], self._pending[MAXIMUM_BYTES:]
            yield from self._take(head, now)

    def wait(self, now: float) -> float | None:
        """Return the seconds until what is there is due; None when nothing is."""
        return None if self._since is None else max(0.0, self._since + LONGEST_WAIT_SECONDS - now)

    def flush(self) -> Iterator[str]:
        """Yield the text of what is there, if anything is."""
        lines, self._lines, self._bytes, self._since = self._lines, [], 0, None
        text = (
            b"\n".join(lines).decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
        )
        if text:
            yield text

    def end(self) -> Iterator[str]:
        """Yield what is left when the input has ended; its last line needs no newline."""
        if self._pending:
            yield from self._take(self._pending, 0.0)
        self._pending = b""
        yield from self.flush()

    def _take(self, line: bytes, now: float) -> Iterator[str]:
        if len(line) > MAXIMUM_BYTES:
            yield from self._take(line[:MAXIMUM_BYTES], now)
            line = line[MAXIMUM_BYTES:]
            yield from self._take(line, now)
            return
        if self._bytes + len(line) > MAXIMUM_BYTES:
            yield from self.flush()
        self._lines.append(line)
        self._bytes += len(line) + 1
        self._since = now if self._since is None else self._since
        if len(self._lines) >= MAXIMUM_LINES:
            yield from self.flush()


def send_lines(source: int, send: Callable[[str, str], None]) -> int:
    """Send what comes from a descriptor until it ends; return how many messages it became.

    `send` is given a text and its idempotency key, which is the same when it is asked again.
    """
    batch, stream, sent = Batch(), os.urandom(8).hex(), 0
    data: bytes | None = None
    while data != b"":
        ready, _, _ = select.select([source], [], [], batch.wait(time.monotonic()))
        data = os.read(source, READ_BYTES) if ready else None
        for text in _texts(batch, data):
            _patiently(send, text, f"lines-{stream}-{sent}", first=sent == 0)
            sent += 1
    return sent


def _texts(batch: Batch, data: bytes | None) -> Iterator[str]:
    """Return what is complete after so much was read; None: nothing came in time."""
    if data is None:
        return batch.flush()
    return batch.add(data, time.monotonic()) if data else batch.end()


def _patiently(send: Callable[[str, str], None], text: str, key: str, *, first: bool) -> None:
    """Send, and wait as long as the outbox is full or a daemon that was there has gone away."""
    complained = False
    while True:
        try:
            return send(text, key)
        except PeerpostError as error:
            gone = isinstance(error, (NoDaemonError, LockedError)) and not first
            if error.kind != "queue_full" and not gone:
                raise
            if not complained:
                complain(f"Waiting: {error}")
                complained = True
            time.sleep(error.retry_after or RETRY_SECONDS)
