"""One WebSocket server connection: an asyncio protocol without a task.

Strategy. A whole read is parsed at once and each message handed up at once, synchronously; what
the layer above sends meanwhile is collected and leaves in one write at the end of the loop tick.
While the socket does not drain, frames wait in the list, by reference: a thousand slow readers of
one message hold one copy of it. Whoever sends watches `buffered` and stops at its own bound.

`websockets` does the handshake (`handshake.py`). From then on `Incoming` cuts what comes, and
pings and closings are answered here.

    HANDSHAKE --101--> OPEN --close frame, either way--> CLOSING --EOF or deadline--> CLOSED
        `-----any other answer-----------------------------^

Payloads are opaque here.
"""

import asyncio
import contextlib
import socket
from enum import Enum, auto
from typing import cast

from peerpost_relay import incoming as wire
from peerpost_relay.addresses import UNIX, network_of
from peerpost_relay.edge import Edge
from peerpost_relay.framing import CLOSE_HEAD, PING, PONG_HEAD, control
from peerpost_relay.handshake import Handshake
from peerpost_relay.incoming import Incoming
from peerpost_relay.wheel import NOWHERE

NOTSENT_LOWAT = getattr(
    socket, "TCP_NOTSENT_LOWAT", 25
)  # Linux: tcp(7); Python names it from 3.12 on
REASON_BYTES_MAX = 123  # RFC 6455 section 5.5: a control frame carries 125 bytes, two are the code


class Phase(Enum):
    """Say what a connection is about."""

    HANDSHAKE = auto()
    OPEN = auto()
    CLOSING = auto()
    CLOSED = auto()


_OPEN, _CLOSED = Phase.OPEN, Phase.CLOSED  # looked at for every delivery


class Connection(asyncio.Protocol):
    """Carry binary messages both ways; see the module for the phases."""

    __slots__ = (
        "_drain_owed",
        "_edge",
        "_handshake",
        "_heard",
        "_incoming",
        "_phase",
        "_pong",
        "_reading",
        "_speaks_for",
        "_transport",
        "_waiting",
        "_waiting_bytes",
        "_was_open",
        "_writing",
        "network",
        "peer",
        "session",
        "slot",
    )

    _transport: asyncio.Transport

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._phase = Phase.HANDSHAKE
        self._handshake: Handshake | None = None
        self._incoming: Incoming | None = None
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._pong: bytes | None = None
        self._heard = edge.wheel.now
        self._drain_owed = False
        self._was_open = False
        self._reading = True
        self._writing = True
        self.peer = ""  # the peer's IP address, or "unix"
        self.network: str | None = None  # what is counted of it
        self.session: object | None = None  # the upper layer's own
        self.slot = NOWHERE  # the wheel's own

    # -- for the layer above ---------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        """Tell what the connection is about."""
        return self._phase

    @property
    def buffered(self) -> int:
        """Count the bytes handed to `send` that the kernel has not taken yet."""
        if self._phase is _CLOSED:
            return 0
        return self._waiting_bytes + self._transport.get_write_buffer_size()

    def send(self, framed: bytes) -> None:
        """Send what `frame` made, at the end of this loop tick; dropped unless OPEN."""
        if self._phase is not _OPEN:
            return
        waiting = self._waiting
        if not waiting and self._writing:
            self._edge.flush_soon(self)
        waiting.append(framed)
        self._waiting_bytes += len(framed)

    def offer(self, framed: bytes, bytes_max: int) -> bool:
        """Send like `send`, unless `buffered` is over `bytes_max`; return whether they were sent, or dropped.

        One call for each receiver of each message, so it is written out: what it spares is a third.
        """
        waiting = self._waiting
        if self._phase is _OPEN:
            if self._waiting_bytes + self._transport.get_write_buffer_size() > bytes_max:
                return False
            if not waiting and self._writing:
                self._edge.flush_soon(self)
            waiting.append(framed)
            self._waiting_bytes += len(framed)
            return True
        return self.buffered <= bytes_max

    def flush(self) -> None:
        """Hand what waits to the kernel, unless it takes no more (called by the edge)."""
        if self._phase is not _OPEN or not self._writing:
            return
        if self._waiting:
            unsent = self._waiting_bytes + self._transport.get_write_buffer_size()
            self._drain_owed |= unsent > self._edge.settings.write_low_bytes
            self._write()
        if self._drain_owed and self._writing:
            self._drain_owed = False
            self._edge.handler.writable(self)

    def pause_reading(self) -> None:
        """Read no more; what the current read still holds (at most 256 KiB) is handed up."""
        if self._phase is Phase.OPEN and self._reading:
            self._reading = False
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if self._phase in {Phase.OPEN, Phase.CLOSING} and not self._reading:
            self._reading = True
            self._heard = self._edge.wheel.now
            self._transport.resume_reading()

    def widen(self) -> None:
        """Take messages of `message_bytes_max` from now on: the peer has shown who it is."""
        if self._incoming is not None:
            self._incoming.widen(self._edge.settings.message_bytes_max)

    def close(self, code: int, reason: str = "") -> None:
        """Send what waits, then a close frame; abort after `close_seconds` without its answer.

        `reason` is cut to 123 bytes. `code` must be one that RFC 6455 section 7.4 lets be sent.
        Idempotent; before the handshake is done there is nothing to say, so this aborts.
        """
        if self._phase is Phase.HANDSHAKE:
            self.abort()
        if self._phase is Phase.OPEN:
            short = reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore")
            self._say_goodbye(code.to_bytes(2, "big") + short.encode())

    def abort(self) -> None:
        """Drop the connection and what waits for it; `closed` follows in the next tick."""
        if self._phase is not Phase.CLOSED:
            self._phase = Phase.CLOSING
            self._transport.abort()

    # -- called by the event loop ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the handshake, or drop the socket when too many are already at it."""
        edge = self._edge
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass
        _keep_little(transport, edge.settings.unsent_bytes)
        self.peer = address_of(transport)
        self._speaks_for = edge.proxies.believes(self.peer)
        network = edge.counted(self.peer)
        if edge.besieged() or not edge.admit(network):
            self.abort()
            return
        self.network = network
        edge.connections.add(self)
        low = edge.settings.write_low_bytes
        # `high` is our low-water mark: a transport that is not paused holds less than that, so
        # "not paused and nothing waiting" is all that `writable` has to check.
        self._transport.set_write_buffer_limits(high=low, low=low // 2)
        self._handshake = Handshake(edge.settings, edge.pages, self._crowded)
        edge.wheel.place(self, edge.wheel.ticks(edge.settings.handshake_seconds))

    def data_received(self, data: bytes) -> None:
        """Take one read."""
        self._heard = self._edge.wheel.now
        if self._handshake is not None:
            self._shake(self._handshake, data)
        elif self._incoming is not None:
            self._parse(self._incoming, data)

    def pause_writing(self) -> None:
        """Let frames wait in the list from now on."""
        self._writing = False
        self._drain_owed = True

    def resume_writing(self) -> None:
        """Send what waited; a draining socket is a sign of life too."""
        self._writing = True
        self._heard = self._edge.wheel.now
        if self._pong is not None:
            self._waiting.append(self._pong)
            self._waiting_bytes += len(self._pong)
            self._pong = None
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """Leave; the layer above is told if it knew of the connection."""
        self._phase = Phase.CLOSED
        self._handshake = self._incoming = self._pong = None
        self._waiting.clear()
        self._waiting_bytes = 0
        self._edge.opened -= self._was_open
        self._edge.leave(self)
        if self._was_open:
            self._edge.handler.closed(self)

    def visit(self) -> None:
        """Ping a silent peer, abort a dead or dawdling one (called by the wheel)."""
        if self._phase is not Phase.OPEN:
            self.abort()
            return
        wheel, settings = self._edge.wheel, self._edge.settings
        interval = wheel.ticks(settings.ping_interval_seconds)
        # Who is not read cannot be heard: reading that we paused is not the peer's silence.
        quiet = wheel.now - self._heard if self._reading else 0
        if quiet >= 2 * interval:
            self.abort()
            return
        if quiet >= interval and self._writing:
            self.send(PING)
        wheel.place(self, interval if quiet >= interval else interval - quiet)

    # -- handshake -------------------------------------------------------------------------------

    def _crowded(self, forwarded: str | None) -> bool:
        """Tell whether to turn a client away, for whom a proxy may speak."""
        edge = self._edge
        if self._speaks_for and forwarded is not None:
            network = network_of(forwarded)
            if not edge.admit(network):
                return True
            self.peer, self.network = forwarded, network
        return edge.crowded()

    def _shake(self, handshake: Handshake, data: bytes) -> None:
        verdict = handshake.receive(data)
        if verdict is None:
            return
        self._handshake = None
        if verdict.answer:
            self._transport.write(verdict.answer)
        if not verdict.accepted:
            self._start_closing()
            self._end_sending()
            return
        self._open()
        if verdict.rest and self._incoming is not None:
            self._parse(self._incoming, verdict.rest)

    def _open(self) -> None:
        edge = self._edge
        first = min(edge.settings.first_bytes_max, edge.settings.message_bytes_max)
        self._incoming = Incoming(first, edge.settings.fragments_max)
        self._phase = Phase.OPEN
        self._was_open = True
        edge.opened += 1
        edge.wheel.place(self, edge.wheel.ticks(edge.settings.ping_interval_seconds))
        edge.handler.opened(self)

    # -- reading ---------------------------------------------------------------------------------

    def _parse(self, incoming: Incoming, data: bytes) -> None:
        pong = closing = None
        for opcode, payload in incoming.receive(data):
            if opcode == wire.BINARY:
                if self._phase is not Phase.OPEN:
                    continue
                self._edge.handler.message(self, payload)
            elif opcode == wire.PING:
                pong = payload
            elif opcode == wire.CLOSE:
                closing = payload
        violation = incoming.violation
        if violation is not None:
            closing = violation.code.to_bytes(2, "big") + violation.reason.encode()
        if closing is not None:
            self._close_back(closing)
        elif pong is not None and self._phase is Phase.OPEN:
            self._pong_back(control(PONG_HEAD, pong))

    # -- writing ---------------------------------------------------------------------------------

    def _close_back(self, payload: bytes) -> None:
        """Answer a closing or a violation, unless we have closed already, and send no more."""
        if self._phase is Phase.OPEN:
            self._say_goodbye(payload)
        if self._phase is not Phase.CLOSED:
            self._end_sending()

    def _say_goodbye(self, payload: bytes) -> None:
        self._waiting.append(control(CLOSE_HEAD, payload))
        self._write()
        self._start_closing()

    def _pong_back(self, pong: bytes) -> None:
        # RFC 6455 section 5.5.3 lets one pong answer all pings so far. So a flood of pings gets one
        # pong a read, and a peer that pings but does not read makes us hold one pong, not millions.
        if self._writing:
            self.send(pong)
        else:
            self._pong = pong

    def _write(self) -> None:
        waiting = self._waiting
        if waiting:
            data = waiting[0] if len(waiting) == 1 else b"".join(waiting)
            waiting.clear()
            self._waiting_bytes = 0
            self._transport.write(data)

    def _start_closing(self) -> None:
        edge = self._edge
        self.resume_reading()  # or the peer's close frame would not be heard
        self._phase = Phase.CLOSING
        self._pong = None
        edge.wheel.place(self, edge.wheel.ticks(edge.settings.close_seconds))

    def _end_sending(self) -> None:
        # Closing a socket that still holds unread bytes resets it, and the peer may never read our
        # last words. So only our half is closed; what comes is dropped until EOF or the deadline.
        self._incoming = None
        if self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:  # TLS has no half-close
            self._transport.close()


def _keep_little(transport: asyncio.BaseTransport, unsent_bytes: int) -> None:
    """Let the kernel take no more than the path does: it would else hold megabytes for one who does not read.

    What it holds is not seen by `buffered`, so such a reader would be live, and cost memory, for as much longer.
    """
    opened = transport.get_extra_info("socket")
    if opened is not None and opened.family in {socket.AF_INET, socket.AF_INET6}:
        with contextlib.suppress(OSError):  # a bound that a kernel may not know
            opened.setsockopt(socket.IPPROTO_TCP, NOTSENT_LOWAT, unsent_bytes)


def address_of(transport: asyncio.BaseTransport) -> str:
    """Return the peer's IP address, or "unix"."""
    peername: object = transport.get_extra_info("peername")
    return str(peername[0]) if isinstance(peername, tuple) else UNIX
