"""The network: one pipe a connection, whole frames, each way in order, with the faults that networks have.

    cut         what is under way is lost; each end learns of it in its own time
    swallow     nothing arrives any more, either way; each end learns of it by its keepalive
    drip        so many bytes a second towards the daemon: it reads slowly

`DaemonEnd` is what `link.socket.RelaySocket` is to a session, `RelayEnd` what `connection.Connection` is to the relay.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosedError

from peerpost_daemon.link.errors import LinkBusyError, LinkDownError
from peerpost_daemon.link.settings import LinkSettings
from peerpost_protocol.frames import SUBPROTOCOL
from tests.faults.simulation.threads import PROCESS, Process
from tests.faults.simulation.trace import Trace

if TYPE_CHECKING:
    from peerpost_relay.relay import Relay

LOW_BYTES = 4_096  # `writable` comes when what waits is back below this
KEEPALIVE_SECONDS = (2.5, 4.5)  # after which a daemon notices a dead path
IDLE_SECONDS = (40.0, 60.0)  # after which the relay does
LEARNS_SECONDS = 2.0  # at most, until an end learns that its connection is gone
GOODBYE_SECONDS = 5.0


class Way:
    """Carry frames one way, in order. None is the end."""

    def __init__(self, delay: Callable[[], float], deliver: Callable[[bytes | None], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._delay = delay
        self._deliver = deliver
        self._queue: deque[tuple[float, bytes | None]] = deque()
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False
        self.broken = False
        self.bytes_per_second: float | None = None
        self.buffered = 0

    def put(self, payload: bytes | None) -> None:
        if self.broken:
            return
        size = len(payload or b"")
        at = max(self._last, self._loop.time() + self._delay())
        if self.bytes_per_second is not None:
            at += size / self.bytes_per_second
        self._last = at
        self._queue.append((at, payload))
        self.buffered += size
        self._arm()

    def pause(self, *, paused: bool) -> None:
        self._paused = paused
        self._arm()

    def end(self) -> None:
        """Lose what is under way and whatever is put from now on."""
        self.broken = True
        self._queue.clear()
        self.buffered = 0

    def _arm(self) -> None:
        if self._timer is None and self._queue and not self._paused:
            self._timer = self._loop.call_at(self._queue[0][0], self._go)

    def _go(self) -> None:
        self._timer = None
        while self._queue and self._queue[0][0] <= self._loop.time() and not self._paused:
            _, payload = self._queue.popleft()
            self.buffered -= len(payload or b"")
            self._deliver(payload)
        self._arm()


class DaemonEnd:
    """Be the socket of a daemon's session."""

    subprotocol = SUBPROTOCOL
    latency = 0.05

    def __init__(self, pipe: "Pipe") -> None:
        self._pipe = pipe
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[bytes] = deque()
        self._news: asyncio.Future[None] | None = None
        self.closed = False
        self.heard_at: float | None = None
        self.transport = self

    async def recv(self) -> bytes:
        while not self._inbox:
            if self.closed:
                raise ConnectionClosedError(None, None)
            self._news = self._loop.create_future()
            await self._news
        return self._inbox.popleft()

    def check_room(self, limit: int) -> None:
        if self._pipe.up.buffered > limit:
            raise LinkBusyError("link_busy", f"over {limit} bytes wait to be sent")
        self._check_open()

    def post(self, data: bytes) -> None:
        self._check_open()
        self._pipe.up.put(data)

    async def close(self, code: int, reason: str) -> None:
        if not self.closed:
            self._pipe.up.put(None)
            self.lose()
            await asyncio.sleep(0)

    def abort(self) -> None:
        self._pipe.cut()

    def take(self, payload: bytes | None) -> None:
        """Take a frame, or the end."""
        if payload is None:
            self.lose()
            self._pipe.up.put(None)
            return
        self.heard_at = self._loop.time()
        if not self.closed:
            self._inbox.extend(_unframed(payload))
            self._wake()

    def lose(self) -> None:
        """Learn that the connection is gone."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _check_open(self) -> None:
        if self.closed:
            raise LinkDownError("link_down", "the connection is closing")


class RelayEnd:
    """Be a relay's connection."""

    def __init__(self, pipe: "Pipe", relay: "Relay") -> None:
        self._pipe = pipe
        self._relay = relay
        self._loop = asyncio.get_running_loop()
        self._closing = False
        self._gone = False
        self._high = False
        self.peer = f"10.0.0.{pipe.number % 250}"
        self.session: object | None = None

    @property
    def buffered(self) -> int:
        return 0 if self._gone else self._pipe.down.buffered

    def send(self, framed: bytes) -> None:
        if not self._closing and not self._gone:
            self._pipe.down.put(framed)
            self._high |= self._pipe.down.buffered > LOW_BYTES

    def offer(self, framed: bytes, bytes_max: int) -> bool:
        if self.buffered > bytes_max:
            return False
        self.send(framed)
        return True

    def pause_reading(self) -> None:
        self._pipe.up.pause(paused=True)

    def resume_reading(self) -> None:
        self._pipe.up.pause(paused=False)

    def widen(self) -> None:
        """Take frames of every size, as this pipe always does."""

    def close(self, code: int, reason: str = "") -> None:
        if not self._closing and not self._gone:
            self._closing = True
            self._pipe.up.pause(paused=False)
            self._pipe.down.put(None)
            self._loop.call_later(GOODBYE_SECONDS, self.lose)

    def abort(self) -> None:
        self._loop.call_soon(self.lose)

    def take(self, payload: bytes | None) -> None:
        """Take a frame, or the end."""
        if payload is None:
            self.lose()
        elif not self._closing and not self._gone:
            self._relay.message(self, payload)  # type: ignore[arg-type]

    def drained(self) -> None:
        """Say that the daemon has read."""
        low = self._high and self._pipe.down.buffered <= LOW_BYTES
        if low and not self._closing and not self._gone:
            self._high = False
            self._relay.writable(self)  # type: ignore[arg-type]

    def lose(self) -> None:
        """Learn that the connection is gone."""
        if not self._gone:
            self._gone = True
            self._pipe.forget()
            if self._pipe.network.relay is self._relay:
                self._relay.closed(self)  # type: ignore[arg-type]


class Pipe:
    """Be one connection between a daemon and the relay."""

    def __init__(self, network: "Network", process: Process, relay: "Relay") -> None:
        self.network = network
        self.process = process
        self.number = network.next_number()
        self.daemon = DaemonEnd(self)
        self.relay = RelayEnd(self, relay)
        self.up = Way(network.delay, self._upwards)
        self.down = Way(network.delay, self._downwards)
        self.down.bytes_per_second = network.weather(process.name).bytes_per_second

    def forget(self) -> None:
        self.network.pipes.pop(self.number, None)

    def cut(self) -> None:
        """Lose the connection."""
        draw, loop = self.network.draw, self.network.loop
        self._end()
        loop.call_later(draw.uniform(0, LEARNS_SECONDS), self.daemon.lose)
        loop.call_later(draw.uniform(0, LEARNS_SECONDS), self.relay.lose)

    def swallow(self) -> None:
        """Let nothing arrive any more."""
        draw, loop = self.network.draw, self.network.loop
        self._end()
        loop.call_later(draw.uniform(*KEEPALIVE_SECONDS), self.daemon.lose)
        loop.call_later(draw.uniform(*IDLE_SECONDS), self.relay.lose)

    def _end(self) -> None:
        self.up.end()
        self.down.end()

    def _upwards(self, payload: bytes | None) -> None:
        self.network.trace.note(
            f"{self.process.name}#{self.number} > {_size(payload)}", payload or b""
        )
        self.relay.take(payload)

    def _downwards(self, payload: bytes | None) -> None:
        self.network.trace.note(
            f"{self.process.name}#{self.number} < {_size(payload)}", payload or b""
        )
        if self.process.alive:
            self.daemon.take(payload)
        self.relay.drained()


class Weather:
    """Be how the network is for one host: `dark` answers nothing, a `bytes_per_second` drips."""

    dark = False
    bytes_per_second: float | None = None


class Network:
    """Know who can reach the relay, and all pipes."""

    def __init__(self, draw: Random, trace: Trace) -> None:
        self.draw = draw
        self.trace = trace
        self.loop = asyncio.get_running_loop()
        self.relay: Relay | None = None
        self.pipes: dict[int, Pipe] = {}
        self._weather: dict[str, Weather] = {}
        self._number = 0

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def delay(self) -> float:
        """Return the seconds that a frame takes: mostly few, sometimes many."""
        return 0.005 + 0.4 * self.draw.random() ** 6

    def weather(self, name: str) -> Weather:
        return self._weather.setdefault(name, Weather())

    def of(self, name: str) -> list[Pipe]:
        """Return the pipes of a host; the relay may not know yet that one is gone."""
        return [pipe for pipe in self.pipes.values() if pipe.process.name == name]

    async def dial(self, settings: LinkSettings) -> DaemonEnd:
        """Be `link.socket.dial`."""
        process = PROCESS.get()
        if self.weather(process.name).dark:
            await asyncio.sleep(settings.open_timeout)
            raise TimeoutError
        await asyncio.sleep(2 * self.delay())
        if self.relay is None or not process.alive:
            raise ConnectionRefusedError
        pipe = Pipe(self, process, self.relay)
        self.pipes[pipe.number] = pipe
        self.trace.note(f"{process.name}#{pipe.number} connected")
        self.relay.opened(pipe.relay)  # type: ignore[arg-type]
        return pipe.daemon

    def lose_all(self) -> None:
        """Let every connection end with the relay's process."""
        self.relay = None
        for pipe in list(self.pipes.values()):
            pipe.cut()


class PipeListener:
    """Be the relay's listener."""

    def __init__(self, network: Network, relay: "Relay") -> None:
        self._network = network
        self._relay = relay

    async def listen(self, host: str, port: int = 0) -> list[object]:
        self._network.relay = self._relay
        return []

    async def close(self, drain_seconds: float, reason: str = "restart") -> None:
        for pipe in list(self._network.pipes.values()):
            pipe.relay.close(1012, reason)
        await asyncio.sleep(drain_seconds)
        self._network.lose_all()


def _size(payload: bytes | None) -> str:
    return "end" if payload is None else str(len(payload))


def _unframed(framed: bytes) -> Iterator[bytes]:
    """Return the payloads of what `framing.frame` framed; one write may hold several."""
    at = 0
    while at < len(framed):
        size, head = framed[at + 1], 2
        if size >= 126:
            head = 4 if size == 126 else 10
            size = int.from_bytes(framed[at + 2 : at + head], "big")
        yield framed[at + head : at + head + size]
        at += head + size
