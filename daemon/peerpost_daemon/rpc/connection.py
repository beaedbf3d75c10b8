"""One client: lines in, a task a line, answers out.

Past ``max_concurrent`` requests in work the connection stops reading: its client waits in the
kernel, not in our memory. A client that shuts its writing side down still gets its answers.
A client that begins a line and does not end it, or has nothing in work and nothing open for long, is let go.
When a client is gone altogether, complete lines that were not begun are dropped; handlers that
were begun may finish what they do, for ``finish_seconds``, and hold the connection's place so long.
"""

import asyncio
import logging
import select
from collections.abc import Callable
from typing import cast

from peerpost_daemon.errors import CallerGone, DaemonError
from peerpost_daemon.rpc.call import Caller, Calls
from peerpost_daemon.rpc.dispatch import Dispatcher, Work, refusal
from peerpost_daemon.rpc.limits import RpcLimits
from peerpost_daemon.rpc.lines import LineFault, Lines
from peerpost_daemon.rpc.outlet import Outlet
from peerpost_daemon.rpc.patience import Bound, Patience

_log = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """Serve one client.

    ``entered`` is asked once whether there is room and returns the error to refuse with;
    ``left`` is told once, when the client is gone and its last handler has ended.
    """

    _transport: asyncio.Transport
    _outlet: Outlet
    _calls: Calls
    _patience: Patience

    def __init__(
        self,
        dispatcher: Dispatcher,
        limits: RpcLimits,
        caller: Caller,
        entered: Callable[["Connection"], DaemonError | None],
        left: Callable[["Connection"], None],
    ) -> None:
        self._dispatcher = dispatcher
        self._limits = limits
        self.caller = caller
        self._entered = entered
        self._left = left
        self._loop = asyncio.get_running_loop()
        self._lines = Lines(limits.max_line)
        self._slots = dispatcher.slots()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pending = 0  # requests in work
        self._reading = True
        self._last = False  # nothing more is read: the client ended its side, or we end ours
        self._gone = False
        self._reaper: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the client in, or tell it that there is no room."""
        self._transport = cast("asyncio.Transport", transport)
        self._outlet = Outlet(self._transport, self._limits)
        self._calls = Calls(self.caller, self._outlet)
        self._patience = Patience(self._limits, self._is_busy, self._let_go)
        error = self._entered(self)
        if error is not None:
            self._last = True
            self._outlet.put(refusal(error))
            self._outlet.finish()

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        if not self._last:
            self._lines.feed(data)
            self._pump()

    def eof_received(self) -> bool:
        """Answer what is there before hanging up."""
        if not self._last:
            self._last = True
            self._lines.finish()
            self._pump()
            self._loop.call_later(self._limits.hangup_seconds, self._look)
        return True

    def pause_writing(self) -> None:
        """Let the senders wait."""
        self._outlet.pause()

    def resume_writing(self) -> None:
        """Let the senders go on."""
        self._outlet.resume()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell the handlers, and give them time to finish."""
        self._gone = self._last = True
        self._patience.end()
        self._outlet.lose()
        self._calls.close()
        if self._tasks:
            self._reaper = self._loop.call_later(self._limits.finish_seconds, self._cancel)
        else:
            self._left(self)

    def drain(self) -> None:
        """Take no new bytes, answer what is there and hang up."""
        if not self._last:
            self._last = True
            self._pump()

    def abort(self) -> None:
        """Cancel what is in work and hang up at once."""
        self._cancel()
        self._transport.abort()

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _pump(self) -> None:
        """Begin lines while there is room; then decide whether to read on or to hang up."""
        if self._transport.is_closing():
            return
        while self._pending < self._limits.max_concurrent:
            line = self._lines.next()
            if line is None:
                self._patience.partial(is_partial=self._lines.partial)
                break
            self._patience.asked()
            self._begin(line)
        if self._last:
            self._hang_up_if_done()
        else:
            self._regulate()

    def _begin(self, line: bytes | LineFault) -> None:
        work = self._too_long() if isinstance(line, LineFault) else self._read(line)
        self._pending += work.size
        task = self._loop.create_task(self._serve(work))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(done, work.size))

    def _read(self, line: bytes) -> Work:
        return self._dispatcher.read(line, self._calls)

    def _too_long(self) -> Work:
        message = f"A line holds at most {self._limits.max_line} bytes."
        return Dispatcher.refused(DaemonError("too_large", message))

    async def _serve(self, work: Work) -> None:
        answer = await self._dispatcher.answer(work, self._slots)
        if answer is not None:
            try:
                await self._outlet.send(answer)
            except CallerGone:
                _log.debug("a caller hung up before its answer")

    def _ended(self, task: asyncio.Task[None], size: int) -> None:
        self._tasks.discard(task)
        self._pending -= size
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("answering failed: %s", type(error).__name__)
        if not self._gone:
            self._pump()
        elif not self._tasks:
            self._bury()

    def _is_busy(self) -> bool:
        return bool(self._tasks) or self._calls.holds

    def _let_go(self, bound: Bound) -> None:
        """Hang up; one who asks for nothing is told nothing, so that its next call is a connection of its own."""
        self._last = True
        if bound is Bound.REQUEST:
            message = f"A request is whole within {self._limits.request_seconds:g} s."
            self._outlet.put(refusal(DaemonError("timeout", message)))
        self._hang_up_if_done()

    def _look(self) -> None:
        """Tell a client that shut its writing side, and waits, from one that is gone."""
        if self._transport.is_closing():
            return
        if _hung_up(self._transport):
            self._transport.abort()
        else:
            self._loop.call_later(self._limits.hangup_seconds, self._look)

    def _bury(self) -> None:
        if self._reaper is not None:
            self._reaper.cancel()
        self._left(self)

    def _regulate(self) -> None:
        wanted = self._pending < self._limits.max_concurrent
        if wanted and not self._reading:
            self._transport.resume_reading()
        elif self._reading and not wanted:
            self._transport.pause_reading()
        self._reading = wanted

    def _hang_up_if_done(self) -> None:
        if not self._tasks:
            self._outlet.finish()


def _hung_up(transport: asyncio.Transport) -> bool:
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), 0)  # POLLHUP comes unasked
    return bool(poll.poll(0))
