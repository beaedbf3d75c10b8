"""A TCP proxy between a daemon and its relay that does what bad networks do.

    async with FaultyNetwork("127.0.0.1", relay_port) as network:
        daemon connects to network.port
        network.fault = BLACK_HOLE          # from now on, for open connections and for new ones
        network.fault = NONE                # well again
        network.reset_all()                 # every open connection gets a RST

A fault sees every chunk that passes, in its direction, and says what passes in its place and how
long that takes. Each direction of each connection keeps its order whatever the fault is.
"""

import asyncio
import random
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

CHUNK_BYTES = 64 * 1024
DRIP_BYTES = 64  # of each piece of a slow drip
_RESET = struct.pack("ii", 1, 0)  # linger for no time: close() sends RST


@dataclass(frozen=True)
class Chunk:
    """Be bytes on their way; `up`: to the relay."""

    up: bool
    data: bytes
    dice: random.Random


@dataclass(frozen=True)
class Fault:
    """Say what becomes of a chunk: the pieces that pass (none: it is swallowed), and the pauses."""

    name: str
    pieces: Callable[[Chunk], list[bytes]] = lambda chunk: [chunk.data]
    pause: Callable[[Chunk], float] = lambda _: 0.0
    cut: Callable[[Chunk], bool] = lambda _: False  # end the connection after this chunk
    accepts: bool = True  # else a new connection is accepted and then nothing happens


def delayed(seconds: float, jitter: float = 0.0) -> Fault:
    """Return a fault that lets everything pass later, never in another order."""
    return Fault("delay", pause=lambda chunk: seconds + chunk.dice.random() * jitter)


def dripping(seconds: float) -> Fault:
    """Return a fault that lets everything pass in small pieces with pauses between."""
    return Fault("slow drip", _dripped, pause=lambda _: seconds)


def flipping(share: float) -> Fault:
    """Return a fault that flips one bit in so many of the chunks."""
    return Fault("bit flips", lambda chunk: [_flipped(chunk, share)])


def truncating(share: float) -> Fault:
    """Return a fault that lets half of a chunk pass and then ends the connection."""

    def cut(chunk: Chunk) -> bool:
        return chunk.dice.random() < share

    def pieces(chunk: Chunk) -> list[bytes]:
        return [chunk.data[: len(chunk.data) // 2]]

    return Fault("truncation", lambda c: pieces(c) if cut(_again(c)) else [c.data], cut=cut)


NONE = Fault("none")
BLACK_HOLE = Fault("black hole", lambda _: [], accepts=False)
HALF_OPEN = Fault("half-open", lambda chunk: [chunk.data] if chunk.up else [])


class FaultyNetwork:
    """Listen on a port of its own and pass on to `host:port` under the fault of the moment."""

    def __init__(self, host: str, port: int, seed: int = 0) -> None:
        self.fault = NONE
        self.connections = 0
        self.attempts: list[float] = []  # when each connection came, on the loop's clock
        self.passed = 0  # bytes
        self._to = (host, port)
        self._dice = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Return where daemons connect."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Return where daemons connect, as they are told."""
        return f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, backlog=1024)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.reset_all()
        await asyncio.sleep(0)  # the transports close in their turn

    def reset_all(self) -> None:
        """Reset every open connection, both ways."""
        for writer in tuple(self._writers):
            _reset(writer)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts.append(asyncio.get_running_loop().time())
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self._pass_on(reader, writer)
        except (OSError, asyncio.CancelledError):  # cancelled at the end: nobody awaits this task
            _reset(writer)
        finally:
            self._writers.discard(writer)
            writer.close()
            self._tasks.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.fault.accepts:
            await self._swallow(reader)
            return
        far_reader, far_writer = await asyncio.open_connection(*self._to)
        self._writers.add(far_writer)
        self.connections += 1
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pipe(reader, far_writer, up=True))
                both.create_task(self._pipe(far_reader, writer, up=False))
        except* OSError:
            _reset(writer)
            _reset(far_writer)
        finally:
            self.connections -= 1
            self._writers.discard(far_writer)
            far_writer.close()

    async def _swallow(self, reader: asyncio.StreamReader) -> None:
        while await reader.read(CHUNK_BYTES):
            pass

    async def _pipe(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            fault = self.fault
            chunk = Chunk(up, data, random.Random(self._dice.random()))
            for piece in fault.pieces(chunk):
                if pause := fault.pause(chunk):
                    await asyncio.sleep(pause)
                writer.write(piece)
                self.passed += len(piece)
                await writer.drain()
            if fault.cut(_again(chunk)):
                raise ConnectionResetError
        if self.fault.accepts and self.fault is not HALF_OPEN and writer.can_write_eof():
            with suppress(OSError):
                writer.write_eof()


def _dripped(chunk: Chunk) -> list[bytes]:
    return [chunk.data[at : at + DRIP_BYTES] for at in range(0, len(chunk.data), DRIP_BYTES)]


def _flipped(chunk: Chunk, share: float) -> bytes:
    if chunk.dice.random() >= share:
        return chunk.data
    changed = bytearray(chunk.data)
    changed[chunk.dice.randrange(len(changed))] ^= 1 << chunk.dice.randrange(8)
    return bytes(changed)


def _again(chunk: Chunk) -> Chunk:
    """Return the chunk with dice that fall the same way for all who ask about it."""
    return Chunk(chunk.up, chunk.data, random.Random(len(chunk.data)))


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
