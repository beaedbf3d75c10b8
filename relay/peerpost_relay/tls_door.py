"""The door of TLS: a socket counts from its first moment, not from the end of its TLS handshake.

Attacker: somebody with nothing but the address, who opens sockets and says nothing. An event loop that is told of the
certificate shows us a socket only once it has spoken TLS; until then nobody would bound it. So it is taken in plain,
counted with its address and with all that have not finished a handshake, and changes to TLS then.
"""

import asyncio
import ssl
from typing import Final, cast

from peerpost_relay.connection import Connection, address_of
from peerpost_relay.edge import Edge

MAX_EARLY_BYTES: Final = (
    16 * 1024
)  # said before TLS is there: a client waits for an answer to its greeting


class TlsDoor(asyncio.Protocol):
    """Be one socket until it has spoken TLS; a connection takes its place then."""

    _transport: asyncio.Transport

    def __init__(self, edge: Edge, context: ssl.SSLContext) -> None:
        self._edge = edge
        self._context = context
        self._early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the socket, or drop it when there are too many."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass
        network = self._edge.counted(address_of(transport))
        if self._edge.besieged() or not self._edge.admit(network):
            self._transport.abort()
            return
        self._transport.pause_reading()  # the first bytes are for TLS
        self._edge.secure(network, self._speak())

    def data_received(self, data: bytes) -> None:
        """Keep what is read before TLS is there: uvloop begins to read after `connection_made`, paused or not."""
        self._early += data
        if len(self._early) > MAX_EARLY_BYTES:
            self._early = b""
            self._transport.abort()
        else:
            self._transport.pause_reading()

    def _feed(self) -> None:
        """Give TLS what was read before it."""
        if self._early:
            tls = cast("asyncio.BufferedProtocol", self._transport.get_protocol())
            memoryview(tls.get_buffer(len(self._early)))[: len(self._early)] = self._early
            tls.buffer_updated(len(self._early))

    async def _speak(self) -> None:
        edge, early, secured = self._edge, _Early(), None
        # Behind what start_tls itself leaves to the loop: to tell TLS of its transport.
        edge.loop.call_soon(edge.loop.call_soon, self._feed)
        try:
            secured = await edge.loop.start_tls(
                self._transport,
                early,
                self._context,
                server_side=True,
                ssl_handshake_timeout=edge.settings.handshake_seconds,
            )
        except (OSError, RuntimeError):  # what it said is no TLS, it said nothing, or it has gone
            return
        finally:
            task = asyncio.current_task()
            assert task is not None
            edge.secured(task)
            if secured is None:
                self._transport.abort()
        if secured is not None:
            early.hand_over(secured, Connection(edge))


class _Early(asyncio.Protocol):
    """Keep what comes in the moment in which the handshake ends: one read at most, and the end."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._lost: list[Exception | None] = []

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self._data += data

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the peer has gone."""
        self._lost.append(exc)

    def hand_over(self, transport: asyncio.Transport, connection: Connection) -> None:
        """Let a connection go on."""
        if self._lost:
            return
        connection.connection_made(transport)
        transport.set_protocol(connection)
        if self._data and not transport.is_closing():
            connection.data_received(bytes(self._data))
