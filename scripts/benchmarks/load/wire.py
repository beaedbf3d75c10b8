"""A WebSocket client of the least: blocking sockets, frames built and cut by hand.

The figures are those of the servers, so nothing here may cost what a library costs; what it
leaves out (fragments, extensions) none of the servers uses unasked.
"""

import base64
import os
import socket
import struct
from collections.abc import Iterator

BINARY, TEXT = 0x82, 0x81
TIMEOUT_SECONDS = 30.0
READ_BYTES = 1 << 18


class ClosedError(Exception):
    """Say that a server has closed a connection or refused the upgrade."""


class Line:
    """Be one WebSocket connection; what is read too far is kept."""

    def __init__(self, host: str, port: int, subprotocol: str = "", path: str = "/") -> None:
        self.socket = socket.create_connection((host, port), TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = b""
        try:
            self._upgrade(upgrade(host, port, subprotocol, path))
        except BaseException:
            self.socket.close()
            raise

    def send(self, payload: bytes, head: int = BINARY) -> None:
        """Send one message."""
        self.socket.sendall(masked(payload, head))

    def next(self) -> bytes:
        """Return the next message's payload, pings left out."""
        while True:
            found = cut(self._read)
            if found is None:
                self._more()
                continue
            head, payload, self._read = found
            if head & 0x0F in {1, 2}:
                return payload

    def close(self) -> None:
        """Close without a word."""
        self.socket.close()

    def _upgrade(self, request: bytes) -> None:
        self.socket.sendall(request)
        while b"\r\n\r\n" not in self._read:
            self._more()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise ClosedError(head.decode(errors="replace"))

    def _more(self) -> None:
        data = self.socket.recv(READ_BYTES)
        if not data:
            raise ClosedError("closed by the server")
        self._read += data


class Lines:
    """Open connections to one server, and close all of them at its end."""

    def __init__(self, host: str, port: int) -> None:
        self._where = host, port
        self._open: list[Line] = []

    def open(self, subprotocol: str = "", path: str = "/") -> Line:
        """Return a new connection."""
        line = Line(*self._where, subprotocol, path)
        self._open.append(line)
        return line

    def close(self) -> None:
        """Close them, those that are closed already too."""
        for line in self._open:
            line.close()


def upgrade(host: str, port: int, subprotocol: str = "", path: str = "/") -> bytes:
    """Return the opening request."""
    asked = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Version: 13\r\n{asked}\r\n"
    ).encode()


def masked(payload: bytes, head: int = BINARY) -> bytes:
    """Frame a message as a client must, under a random mask: unmasking is part of the work."""
    mask = os.urandom(4)
    length = len(payload)
    if length < 126:
        start = struct.pack("!BB", head, 0x80 | length)
    elif length < 65_536:
        start = struct.pack("!BBH", head, 0x80 | 126, length)
    else:
        start = struct.pack("!BBQ", head, 0x80 | 127, length)
    pattern = int.from_bytes((mask * (length // 4 + 1))[:length], "little")
    hidden = (int.from_bytes(payload, "little") ^ pattern).to_bytes(length, "little")
    return start + mask + hidden


def cut(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Return (first byte, payload, what follows) of the first frame, None while it is not whole."""
    if len(data) < 2:
        return None
    length, start = data[1] & 0x7F, 2
    if length >= 126:
        start = 4 if length == 126 else 10
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start or len(data) < start + length:
        return None
    return data[0], data[start : start + length], data[start + length :]


def frames_in(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield all whole frames, each with what follows it."""
    while (found := cut(data)) is not None:
        yield found
        data = found[2]
