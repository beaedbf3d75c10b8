"""An asyncio connection to the daemon: lines out, lines in.

Reading stops while nobody asks for lines, so that a slow reader is felt by the daemon.
"""

from __future__ import annotations

import asyncio

from peerpost.connection import READ_BYTES, connection_lost, no_daemon_sentence
from peerpost.errors import NoDaemonError
from peerpost.lines import LineBuffer


class AsyncConnection:
    """One Unix socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._lines = LineBuffer()

    @classmethod
    async def open(cls, path: str) -> AsyncConnection:
        """Connect; raise NoDaemonError when nobody answers."""
        try:
            streams = await asyncio.open_unix_connection(path, limit=READ_BYTES)
        except OSError as error:
            raise NoDaemonError("no_daemon", no_daemon_sentence(path, error)) from None
        return cls(*streams)

    async def send(self, line: bytes) -> None:
        """Send a whole line; wait while the daemon does not read."""
        try:
            self._writer.write(line)
            await self._writer.drain()
        except OSError:
            raise connection_lost() from None

    async def receive(self) -> bytes:
        """Return the next line; raise ConnectionLostError when the daemon has gone."""
        while (line := self._lines.take()) is None:
            self._lines.feed(await self._read())
        return line

    async def close(self) -> None:
        """Close the socket; closing twice is harmless."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return  # it was broken already, and is closed now

    async def _read(self) -> bytes:
        try:
            data = await self._reader.read(READ_BYTES)
        except OSError:
            raise connection_lost() from None
        if not data:
            raise connection_lost()
        return data
