"""Take the opening HTTP request of one socket: bytes in, one verdict out.

`websockets` parses the request and decides about the upgrade. It is fed line by line, because
it would otherwise go on to parse, and to answer, frames that a client sent behind its request
before the answer to the request is there; what follows the request is given back instead.
"""

import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus

from msgspec import Struct
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from peerpost_relay.addresses import forwarded_for
from peerpost_relay.http import Pages, document, full
from peerpost_relay.settings import EdgeSettings

SUBPROTOCOL = Subprotocol("peerpost.v1")

# The library writes whole frames and headers to this logger at DEBUG, and they may hold tokens:
# its level is fixed above that, whatever the process's logging is set to.
LIBRARY_LOG = logging.getLogger("peerpost_relay.websockets")
LIBRARY_LOG.setLevel(logging.WARNING)


class Verdict(Struct, frozen=True):
    """Say how a handshake ended."""

    accepted: bool
    answer: bytes  # to send; empty when what came was not HTTP at all
    rest: bytes = b""  # what followed the request


class _Server(ServerProtocol):
    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None


class Handshake:
    """Collect one request, at most `handshake_bytes_max` of it.

    `crowded` is asked before an upgrade, with the address that the request says it was forwarded for.
    """

    __slots__ = ("_crowded", "_pages", "_protocol", "_received", "_settings")

    def __init__(
        self, settings: EdgeSettings, pages: Pages, crowded: Callable[[str | None], bool]
    ) -> None:
        self._settings = settings
        self._pages = pages
        self._crowded = crowded
        self._received = 0
        self._protocol = _Server(
            origins=[None, *map(Origin, settings.origins)],
            max_size=settings.message_bytes_max,
            logger=LIBRARY_LOG,
        )

    def receive(self, data: bytes) -> Verdict | None:
        """Take what was read; None while the request is unfinished. After a verdict: no more."""
        start = 0
        while start < len(data):
            end = data.find(b"\n", start) + 1 or len(data)
            verdict = self._receive_line(data[start:end])
            if verdict is not None:
                return Verdict(verdict.accepted, verdict.answer, data[end:])
            start = end
        return None

    def _receive_line(self, line: bytes) -> Verdict | None:
        self._received += len(line)
        if self._received > self._settings.handshake_bytes_max:
            return self._send(
                document(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, {"kind": "too_large"})
            )
        self._protocol.receive_data(line)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                return self._send(self._decide(event))
        if self._protocol.close_expected():  # the library has refused it by itself
            return Verdict(accepted=False, answer=b"".join(self._protocol.data_to_send()))
        return None

    def _decide(self, request: Request) -> Response:
        plain = self._pages.answer(request)
        if plain is not None:
            return plain
        if self._crowded(forwarded_for(request.headers.get_all("X-Forwarded-For"))):
            return full(self._settings.retry_after_seconds)
        response = self._protocol.accept(request)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            response.headers["Cache-Control"] = "no-store"
        return response

    def _send(self, response: Response) -> Verdict:
        self._protocol.send_response(response)
        return Verdict(
            accepted=response.status_code == HTTPStatus.SWITCHING_PROTOCOLS,
            answer=b"".join(self._protocol.data_to_send()),
        )
