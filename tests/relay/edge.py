"""A recorder for the layer above the socket edge, and a listener to put under it."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect

from peerpost_relay.connection import Connection
from peerpost_relay.listener import Bound, Listener
from peerpost_relay.settings import EdgeSettings

PATIENCE_SECONDS = 10
QUICK = EdgeSettings(tick_seconds=0.02, handshake_seconds=0.1, close_seconds=0.1)
UPGRADE = (
    b"GET /v1 HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Recorder:
    """Write down every call of the edge; wake whoever waits for it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.payloads: list[bytes] = []
        self.connection: Connection | None = None
        self.on_message: Callable[[Connection, bytes], None] = lambda _connection, _payload: None
        self._changed = asyncio.Event()

    def opened(self, connection: Connection) -> None:
        self.connection = connection
        connection.widen()
        self._note("opened")

    def message(self, connection: Connection, payload: bytes) -> None:
        self.payloads.append(payload)
        self.on_message(connection, payload)
        self._note("message")

    def writable(self, connection: Connection) -> None:
        self._note("writable")

    def closed(self, connection: Connection) -> None:
        self._note("closed")

    async def heard(self, call: str, times: int = 1) -> Connection:
        """Wait until `call` was made `times` times."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.calls.count(call) < times:
                self._changed.clear()
                await self._changed.wait()
        assert self.connection is not None
        return self.connection

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self._changed.set()


class Socket:
    """A raw client: it says what it likes and reads until the end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def upgrade(self) -> None:
        self.write(UPGRADE)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 ")

    async def rest(self) -> bytes:
        """Read whatever comes until the relay ends it, by EOF or by a reset."""
        data = b""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                while piece := await self.reader.read(65_536):
                    data += piece
            except ConnectionResetError:
                pass
        return data


class Place:
    """One listener on a free loopback port, and who is told."""

    def __init__(self, listener: Listener, recorder: Recorder, bound: Bound) -> None:
        self.listener = listener
        self.recorder = recorder
        self.bound = bound

    def url(self, path: str = "/v1") -> str:
        return f"ws://{self.bound}{path}"

    def connect(self, path: str = "/v1") -> connect:
        return connect(self.url(path), compression=None, proxy=None, ping_interval=None)

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[Socket]:
        reader, writer = await asyncio.open_connection(self.bound.host, self.bound.port)
        try:
            yield Socket(reader, writer)
        finally:
            writer.transport.abort()

    async def holds(self, sockets: int) -> None:
        """Wait until the listener has that many sockets, in whatever phase."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.listener.connections) != sockets:  # noqa: ASYNC110  # nobody is told of these
                await asyncio.sleep(0)

    async def get(self, request: bytes) -> bytes:
        """Send one raw HTTP request and read the whole answer."""
        async with self.socket() as socket:
            socket.write(request)
            return await socket.rest()


@asynccontextmanager
async def listening(
    settings: EdgeSettings | None = None,
    *,
    healthy: bool = True,
    host: str = "127.0.0.1",
    ssl_context: ssl.SSLContext | None = None,
) -> AsyncIterator[Place]:
    recorder = Recorder()
    listener = Listener(
        settings or EdgeSettings(),
        recorder,
        lambda: {"relay": "test"},
        lambda: (healthy, {"healthy": healthy}),
        ssl_context,
    )
    [bound] = await listener.listen(host)
    try:
        yield Place(listener, recorder, bound)
    finally:
        await listener.close(drain_seconds=0.2)


def masked(head: int, payload: bytes = b"") -> bytes:
    """Write one client frame by hand, with a mask of zeros: `head` is its first byte."""
    length = len(payload)
    if length < 126:
        return bytes((head, 0x80 | length)) + bytes(4) + payload
    if length < 65_536:
        return struct.pack("!BBH", head, 0x80 | 126, length) + bytes(4) + payload
    return struct.pack("!BBQ", head, 0x80 | 127, length) + bytes(4) + payload


def close_code(stream: bytes) -> int:
    """Read the code of the close frame that a stream of small frames ends with."""
    while stream and stream[0] != 0x88:
        stream = stream[2 + stream[1] :]
    return int.from_bytes(stream[2:4], "big")


async def fill(connection: Connection, piece: bytes) -> int:
    """Send until a megabyte waits that the kernel does not take; count all bytes sent."""
    kernel = connection._transport.get_extra_info("socket")
    kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
    sent = 0
    while connection.buffered < 1_048_576:
        connection.send(piece)
        sent += len(piece)
        await asyncio.sleep(0)  # one tick: the flush
    return sent


async def received(client: ClientConnection) -> bytes:
    async with asyncio.timeout(PATIENCE_SECONDS):
        data = await client.recv()
    assert isinstance(data, bytes)
    return data
