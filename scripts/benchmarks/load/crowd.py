"""Many sessions at once, from one thread: the reconnect storm, and the idle connections.

Each socket sends its upgrade and `hello` together, answers the challenge, and is done with
`welcome`. A new one is begun whenever one is done, so that `abreast` are under way.
"""

import os
import select
import socket
import time
from collections.abc import Sequence
from typing import NamedTuple

from peerpost_protocol import frames as f
from peerpost_protocol.frames import decode_relay_frame, encode_frame
from peerpost_protocol.handshake import Challenge
from scripts.benchmarks.load.peerpost import HOST, answer
from scripts.benchmarks.load.team import Mate
from scripts.benchmarks.load.wire import cut, masked, upgrade

ABREAST = 2_000  # below the relay's bound of unfinished handshakes and its accept queue
READ_BYTES = 4_096
TIMEOUT_SECONDS = 60.0


class Admitted(NamedTuple):
    """Be a crowd that is in: its sockets, how long it took, and our share of one core."""

    sockets: list[socket.socket]
    seconds: float
    cpu_share: float


class _Guest:
    def __init__(self, mate: Mate, port: int) -> None:
        self.mate = mate
        self.nonce = os.urandom(32)
        self.read = b""
        self.upgraded = False
        self.socket = socket.socket()
        self.socket.settimeout(0)
        self.socket.connect_ex((HOST, port))
        self._port = port

    def begin(self) -> None:
        hello = masked(encode_frame(f.Hello(f.PROTOCOL_VERSION, self.nonce, "bench")))
        self.socket.sendall(upgrade(HOST, self._port) + hello)

    def take(self, data: bytes) -> bool:
        """Go on with what was read; tell whether the session is open."""
        assert data, "the relay has closed a connection"
        self.read += data
        if not self.upgraded:
            head, end, rest = self.read.partition(b"\r\n\r\n")
            if not end:
                return False
            assert b" 101 " in head, head
            self.upgraded, self.read = True, rest
        found = cut(self.read)
        if found is None:
            return False
        self.read = found[2]
        frame = decode_relay_frame(found[1])
        if isinstance(frame, f.ChallengeFrame):
            challenge = Challenge(frame.relay, self.nonce, frame.relay_nonce, frame.at_ms)
            self.socket.sendall(masked(answer(challenge, self.mate)))
            return False
        assert isinstance(frame, f.Welcome), frame
        return True


def admit(port: int, mates: Sequence[Mate], count: int) -> Admitted:
    """Open and authenticate `count` connections as fast as the relay takes them."""
    begun, spent = time.perf_counter(), time.process_time()
    waiting: dict[int, _Guest] = {}
    done: list[socket.socket] = []
    poll = select.epoll()
    started = 0
    while len(done) < count:
        while started < count and len(waiting) < ABREAST:
            guest = _Guest(mates[started % len(mates)], port)
            waiting[guest.socket.fileno()] = guest
            poll.register(guest.socket, select.EPOLLOUT)
            started += 1
        for descriptor, events in poll.poll(TIMEOUT_SECONDS) or [(-1, 0)]:
            assert descriptor >= 0, "the relay says nothing any more"
            guest = waiting[descriptor]
            if events & select.EPOLLOUT:
                guest.begin()
                poll.modify(descriptor, select.EPOLLIN)
            elif guest.take(guest.socket.recv(READ_BYTES)):
                poll.unregister(descriptor)
                done.append(waiting.pop(descriptor).socket)
    poll.close()
    seconds = time.perf_counter() - begun
    return Admitted(done, seconds, (time.process_time() - spent) / seconds)
