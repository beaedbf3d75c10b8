"""The write side of a connection.

Lines of one loop tick leave in one write. While the client does not read, ``send`` waits, so what
is held for it is bounded by the high-water mark and one line more; a client from whose buffer
nothing goes for ``stalled_seconds`` is dropped.
"""

import asyncio

from peerpost_daemon.errors import CallerGone
from peerpost_daemon.rpc.limits import RpcLimits


class Outlet:
    """Write lines to one transport, no faster than its reader reads; `end` ends each."""

    def __init__(
        self, transport: asyncio.Transport, limits: RpcLimits, *, end: bytes = b"\n"
    ) -> None:
        self._end = end
        self._transport = transport
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._lines: list[bytes] = []
        self._held = 0  # bytes in _lines
        self._open = asyncio.Event()
        self._open.set()
        self._gone = False
        self._watch: asyncio.TimerHandle | None = None
        transport.set_write_buffer_limits(limits.high_water, limits.low_water)

    async def send(self, line: bytes) -> None:
        """Hand over a line without newline, once there is room. Raises CallerGone."""
        while not self._open.is_set():
            await self._open.wait()
        if self._gone or self._transport.is_closing():
            raise CallerGone
        self.put(line)
        if not self._lines:  # a full write left: a handler that only sends lets others run
            await asyncio.sleep(0)

    def put(self, line: bytes) -> None:
        """Hand over a line without waiting: for what is sent once a connection."""
        if not self._lines:
            self._loop.call_soon(self.flush)
        self._lines += (line, self._end)
        self._held += len(line) + len(self._end)
        if self._held >= self._limits.coalesce:
            self.flush()

    def flush(self) -> None:
        """Give what is held to the transport."""
        if not self._lines:
            return
        data = b"".join(self._lines)
        self._lines.clear()
        self._held = 0
        if not self._gone and not self._transport.is_closing():
            self._transport.write(data)

    def finish(self) -> None:
        """Write what is held and hang up once the client has read it; watch that it does."""
        self.flush()
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._start_watch()

    def pause(self) -> None:
        """Let senders wait: the client does not read."""
        self._open.clear()
        self._start_watch()

    def resume(self) -> None:
        """Let senders go on: the client read."""
        self._open.set()
        self._stop_watch()
        if self._transport.is_closing():
            self._start_watch()  # the last bytes have to go as well

    def lose(self) -> None:
        """Wake the senders: the client is gone."""
        self._gone = True
        self._lines.clear()
        self._open.set()
        self._stop_watch()

    def _start_watch(self) -> None:
        self._stop_watch()
        size = self._transport.get_write_buffer_size()
        self._watch = self._loop.call_later(self._limits.stalled_seconds, self._look, size)

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _look(self, before: int) -> None:
        """Drop the client if it read nothing since the last look."""
        if self._transport.get_write_buffer_size() < before:
            self._start_watch()
        else:
            self._transport.abort()
