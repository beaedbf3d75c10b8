"""A session with the relay for blobs alone: its own connection, so that no message waits behind a file.

It authenticates like the link and subscribes to nothing. What is asked is answered in order; whatever is wrong ends
the line, and everything asked fails with it. Whoever asks bounds how much is under way.
"""

import asyncio
import dataclasses
import logging
import time
from collections.abc import Callable
from typing import Self, TypeVar

from websockets.exceptions import WebSocketException

from peerpost_daemon.link.actions import Answered, Ended, Send
from peerpost_daemon.link.errors import LinkDownError, LinkError, RefusedError
from peerpost_daemon.link.requests import RequestFrame
from peerpost_daemon.link.session import Session
from peerpost_daemon.link.settings import Credentials, LinkSettings
from peerpost_daemon.link.socket import DIAL_ERRORS, RelaySocket, dial
from peerpost_protocol.frames import SUBPROTOCOL, Refused, Welcome

NONCE_BYTES = 32
ANSWER_SECONDS = 60.0
"""A relay that answers nothing for so long is left."""
PING_SECONDS = 15.0
PING_TIMEOUT_SECONDS = 30.0
"""Longer than the link's: a full path makes its pings wait."""

A = TypeVar("A")
_log = logging.getLogger(__name__)


class BlobLine:
    """Be an open line; made by `open`. `close` must be awaited."""

    def __init__(self, socket: RelaySocket, session: Session, now_ms: Callable[[], int]) -> None:
        self._socket = socket
        self._session = session
        self._now_ms = now_ms
        self._welcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reader: asyncio.Task[None] | None = None
        self._ended = False

    @classmethod
    async def open(
        cls,
        settings: LinkSettings,
        credentials: Credentials,
        *,
        now_ms: Callable[[], int],
        random_bytes: Callable[[int], bytes],
    ) -> Self:
        """Connect and authenticate; raise LinkError."""
        patient = dataclasses.replace(
            settings, ping_interval=PING_SECONDS, ping_timeout=PING_TIMEOUT_SECONDS
        )
        try:
            socket = await dial(patient)
        except DIAL_ERRORS as error:
            raise LinkDownError("link_down", f"no line for files: {type(error).__name__}") from None
        line = cls(socket, Session(credentials, random_bytes(NONCE_BYTES), settings.agent), now_ms)
        try:
            await line._begin()
        except BaseException:
            await line.close()
            raise
        return line

    @property
    def usable(self) -> bool:
        """Tell whether something can be asked."""
        return not self._ended

    def ask(self, frame: RequestFrame) -> "asyncio.Future[object]":
        """Send a request and return its answer to come; raise LinkError when the line has ended."""
        if self._ended:
            raise LinkDownError("link_down", "the line for files has ended")
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._socket.post(self._session.request(frame, future, time.monotonic()).data)
        return future

    async def answer(self, future: "asyncio.Future[object]", kind: type[A]) -> A:
        """Return an answer of a kind; raise RefusedError, or LinkDownError."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await future
        except TimeoutError:
            self._end(LinkDownError("link_down", "the relay does not answer"))
            raise LinkDownError("link_down", "the relay does not answer") from None
        if not isinstance(answer, kind):
            raise LinkDownError("link_down", "the relay answered something else")
        return answer

    async def close(self) -> None:
        """End the line."""
        self._end(LinkDownError("link_down", "the line for files was closed"))
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()

    async def _begin(self) -> None:
        if self._socket.subprotocol != SUBPROTOCOL:
            raise LinkDownError("handshake_refused", "the peer does not speak our protocol")
        self._socket.post(self._session.begin(time.monotonic()).data)
        self._reader = asyncio.create_task(self._read(), name="blob-line")
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._welcome
        except TimeoutError:
            raise LinkDownError("link_down", "the relay does not answer") from None

    async def _read(self) -> None:
        try:
            while not self._ended:
                data = await self._socket.recv()
                if isinstance(data, str):
                    raise LinkDownError("malformed", "the relay's frame is not binary")
                self._receive(data)
        except LinkError as error:
            self._end(error)
        except (WebSocketException, OSError) as error:
            self._end(LinkDownError("connection_lost", type(error).__name__))

    def _receive(self, data: bytes) -> None:
        for action in self._session.receive(data, at=time.monotonic(), now_ms=self._now_ms()):
            match action:
                case Send():
                    self._socket.post(action.data)
                case Welcome():
                    if not self._welcome.done():
                        self._welcome.set_result(None)
                case Answered(ticket, answer):
                    assert isinstance(ticket, asyncio.Future)
                    _settle(ticket, answer)
                case Ended(ending):
                    raise LinkDownError("link_down", f"the relay ended the session: {ending.kind}")
                case _:
                    raise LinkDownError("unexpected_frame", "the relay says what nobody asked")

    def _end(self, error: LinkError) -> None:
        if self._ended:
            return
        self._ended = True
        for future in (self._welcome, *self._session.end()):
            if isinstance(future, asyncio.Future) and not future.done():
                future.set_exception(error)
                future.exception()  # whoever does not look at it gets no line in the log for it


def _settle(future: "asyncio.Future[object]", answer: object) -> None:
    if future.done():
        return
    if isinstance(answer, Refused):
        future.set_exception(RefusedError(answer))
        future.exception()
    else:
        future.set_result(answer)
