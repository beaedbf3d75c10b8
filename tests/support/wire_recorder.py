"""A TCP proxy between daemons and their relay that keeps every byte, as a tap on the line would.

WebSocket clients mask what they send with a key that stands beside it, so `heard` takes the mask
off: whoever listens can do the same.
"""

import asyncio
from types import TracebackType
from typing import Self

CHUNK = 64 * 1024
_MASKED = 0x80
_LENGTHS = {126: 2, 127: 8}  # bytes of the longer forms of a frame's length (RFC 6455, 5.2)


class WireRecorder:
    """Pass bytes on and keep them; `async with` ends it."""

    def __init__(self, port: int, relay_port: int) -> None:
        self._port = port
        self._relay_port = relay_port
        self._from_clients: list[bytearray] = []
        self._from_relay = bytearray()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Return where daemons connect."""
        return f"ws://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def heard(self) -> bytes:
        """Return all that passed, without masks."""
        return b"".join(
            [bytes(self._from_relay), *(unmasked(bytes(sent)) for sent in self._from_clients)]
        )

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay_reader, relay_writer = await asyncio.open_connection("127.0.0.1", self._relay_port)
        kept = bytearray()
        self._from_clients.append(kept)
        try:
            await asyncio.gather(
                _pass_on(reader, relay_writer, kept),
                _pass_on(relay_reader, writer, self._from_relay),
            )
        finally:
            relay_writer.close()
            writer.close()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray
) -> None:
    try:
        while data := await reader.read(CHUNK):
            kept += data
            writer.write(data)
            await writer.drain()
        writer.close()
    except OSError:
        writer.close()


def unmasked(stream: bytes) -> bytes:
    """Return what a WebSocket client has sent: its request, then the payloads of its frames."""
    request, _, rest = stream.partition(b"\r\n\r\n")
    found = [request]
    while len(rest) >= 2:
        assert rest[1] & _MASKED
        short = rest[1] & ~_MASKED
        end = 2 + _LENGTHS.get(short, 0)
        length = int.from_bytes(rest[2:end]) if end > 2 else short
        mask, payload = rest[end : end + 4], rest[end + 4 : end + 4 + length]
        found.append(_without(mask, payload))
        rest = rest[end + 4 + length :]
    return b"".join(found)


def _without(mask: bytes, payload: bytes) -> bytes:
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(len(payload))
