"""The WebSocket below a session: dial, and write without a task or a wait for each frame.

Frames posted within one turn of the event loop leave in one write. The write buffer's high mark is above all that
`post` lets in, so the keepalive never waits behind it and a dead path is noticed under load as well.
"""

import logging
import ssl
import time
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.protocol import State
from websockets.typing import Subprotocol

from peerpost_daemon.link.actions import Ending
from peerpost_daemon.link.errors import LinkBusyError, LinkDownError
from peerpost_daemon.link.settings import LinkSettings
from peerpost_protocol import limits
from peerpost_protocol.frames import SUBPROTOCOL

DIAL_ERRORS = (OSError, EOFError, WebSocketException, UnicodeError)
MAX_DETAIL_CHARACTERS = 200

# The library logs whole frames at DEBUG, and a frame may hold the token.
_library_log = logging.getLogger("peerpost_daemon.link.websocket")
_library_log.setLevel(logging.WARNING)


class RelaySocket(ClientConnection):
    """Be a WebSocket that can be written to synchronously."""

    _unflushed = 0
    heard_at: float | None = None
    """When bytes came last, in the seconds of time.monotonic; answers to the keepalive's pings count."""

    def data_received(self, data: bytes) -> None:
        """Note that the relay is there."""
        self.heard_at = time.monotonic()
        super().data_received(data)

    def check_room(self, limit: int) -> None:
        """Raise LinkBusyError when over `limit` bytes wait to be sent, LinkDownError when closed."""
        if self._unflushed + self.transport.get_write_buffer_size() > limit:
            raise LinkBusyError("link_busy", f"over {limit} bytes wait to be sent")
        self._check_open()

    def post(self, data: bytes) -> None:
        """Queue one binary message; raise LinkDownError when closed."""
        self._check_open()
        self.protocol.send_binary(data)
        if not self._unflushed:
            self.loop.call_soon(self._flush)
        self._unflushed += len(data)

    def _check_open(self) -> None:
        if self.protocol.state is not State.OPEN or self.transport.is_closing():
            raise LinkDownError("link_down", "the connection is closing")

    def _flush(self) -> None:
        self._unflushed = 0
        if not self.transport.is_closing():
            self.transport.write(b"".join(self.protocol.data_to_send()))


class _Dial(connect):
    """Connect to the address given and to no other: a redirect could lead to a plain one."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def dial(settings: LinkSettings) -> RelaySocket:
    """Return an open socket; raise one of DIAL_ERRORS."""
    more: dict[str, Any] = {}
    if settings.url.lower().startswith("wss:"):
        more["ssl"] = ssl.create_default_context(cafile=settings.ca_file)
    socket = await _Dial(
        settings.url,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        compression=None,
        user_agent_header=settings.agent,
        proxy=None,
        open_timeout=settings.open_timeout,
        ping_interval=settings.ping_interval,
        ping_timeout=settings.ping_timeout,
        close_timeout=settings.close_seconds,
        max_size=limits.MAX_FRAME,
        write_limit=settings.max_unsent_bytes + 2 * limits.MAX_FRAME,
        logger=_library_log,
        create_connection=RelaySocket,
        **more,
    )
    assert isinstance(socket, RelaySocket)
    return socket


def dial_ending(error: BaseException) -> Ending:
    """Say why there is no socket."""
    if isinstance(error, ssl.SSLError):
        return Ending("tls_failed", _sentence(error))
    if isinstance(error, InvalidHandshake):
        return Ending("handshake_refused", _sentence(error))
    if isinstance(error, TimeoutError):
        return Ending("unreachable", "the relay did not answer in time")
    return Ending("unreachable", _sentence(error))


def _sentence(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:MAX_DETAIL_CHARACTERS]
