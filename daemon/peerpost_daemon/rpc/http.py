"""One HTTP client: requests one after the other, an answer each, or a stream of events. h11 does the protocol.

Nothing is read while a request is in work: what a client pipelines waits in the kernel. What it holds is bounded by the
same limits as for lines. Nobody but a process of this machine that may open the socket gets here, so there is neither a
cookie nor an origin to check; a browser cannot open a Unix socket.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

import h11
import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from peerpost_daemon.errors import CallerGone, DaemonError
from peerpost_daemon.health.metrics import CONTENT_TYPE, exposition
from peerpost_daemon.rpc import envelope
from peerpost_daemon.rpc.call import Caller, Calls
from peerpost_daemon.rpc.dispatch import Dispatcher, Ready, refusal
from peerpost_daemon.rpc.limits import RpcLimits
from peerpost_daemon.rpc.outlet import Outlet
from peerpost_daemon.rpc.patience import Bound, Patience
from peerpost_daemon.rpc.routes import MAX_TARGET, Form, Route, RouteError, route

MAX_HEAD: Final = 16 * 1024  # bytes of a request's line and headers
BEAT_SECONDS: Final = 15.0  # a comment in a silent stream, so that nobody takes it for dead
FORBIDDEN: Final = "forbidden"
STREAMING: Final = "event.subscribe"
METRICS: Final = ("content-type", CONTENT_TYPE)
JSON: Final = ("content-type", "application/json")
EVENTS: Final = [("content-type", "text/event-stream"), ("cache-control", "no-store")]
_log = logging.getLogger(__name__)


class _Told(Struct, frozen=True):
    """Be what a notification says of an event, as far as a stream needs it."""

    cursor: int
    kind: str


class _Notified(Struct, frozen=True):
    params: Raw


class _Answered(Struct, frozen=True):
    result: Raw | UnsetType = UNSET


class _Kind(Struct, frozen=True):
    kind: str


class _Data(Struct, frozen=True):
    data: _Kind


class _Erred(Struct, frozen=True):
    error: _Data


class _Well(Struct, frozen=True):
    well: bool


class HttpConnection(asyncio.Protocol):
    """Serve one client; `entered` and `left` are as of Connection."""

    _transport: asyncio.Transport
    _outlet: Outlet
    _calls: Calls
    _patience: Patience

    def __init__(
        self,
        dispatcher: Dispatcher,
        limits: RpcLimits,
        caller: Caller,
        entered: Callable[["HttpConnection"], DaemonError | None],
        left: Callable[["HttpConnection"], None],
    ) -> None:
        self._dispatcher = dispatcher
        self._limits = limits
        self.caller = caller
        self._entered = entered
        self._left = left
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._slots = dispatcher.slots()
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._work: asyncio.Task[None] | None = None
        self._streaming = asyncio.Event()  # the head of a stream is out
        self._streams = False
        self._last = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the client in, or tell it that there is no room."""
        self._transport = cast("asyncio.Transport", transport)
        self._outlet = Outlet(self._transport, self._limits, end=b"")
        self._calls = Calls(self.caller, self)
        self._patience = Patience(self._limits, self._is_busy, self._let_go)
        if (error := self._entered(self)) is not None:
            self._last = True
            self._refuse(403 if error.kind == FORBIDDEN else 503, refusal(error))

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        if not self._last and not self._streams:
            self._take(data)

    def eof_received(self) -> bool:
        """Answer what is there; a stream ends with its reader."""
        if self._work is None or self._streams:
            return False
        self._last = True
        return True

    def pause_writing(self) -> None:
        """Let the senders wait."""
        self._outlet.pause()

    def resume_writing(self) -> None:
        """Let the senders go on."""
        self._outlet.resume()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell the handlers; what was begun may finish."""
        self._last = True
        self._patience.end()
        self._outlet.lose()
        self._calls.close()
        self._streaming.set()
        if self._work is None:
            self._left(self)
            return
        self._work.add_done_callback(lambda _: self._left(self))
        if self._streams:
            self._work.cancel()
        else:
            loop = asyncio.get_running_loop()
            reaper = loop.call_later(self._limits.finish_seconds, self._work.cancel)
            self._work.add_done_callback(lambda _: reaper.cancel())

    def drain(self) -> None:
        """Answer what is in work, and hang up."""
        self._last = True
        if self._work is None or self._streams:
            self._outlet.finish()

    def abort(self) -> None:
        """Cancel what is in work and hang up at once."""
        if self._work is not None:
            self._work.cancel()
        self._transport.abort()

    async def send(self, line: bytes) -> None:
        """Hand over a notification as an event of the stream (see rpc.Outbound). Raises CallerGone."""
        await self._streaming.wait()
        params = msgspec.json.decode(line, type=_Notified).params
        told = msgspec.json.decode(params, type=_Told)
        event = f"id: {told.cursor}\nevent: {told.kind}\ndata: ".encode() + bytes(params)
        await self._outlet.send(self._data(event + b"\n\n"))

    def _take(self, data: bytes = b"") -> None:
        try:
            if data:  # for h11 no bytes are the end of the client's side
                self._http.receive_data(data)
            self._advance()
            self._patience.partial(is_partial=self._is_partial())
        except h11.RemoteProtocolError as error:
            self._refuse(error.error_status_hint, _said(f"No HTTP request: {error}"))

    def _advance(self) -> None:
        """Read a request; begin its work once it is whole."""
        while self._work is None:
            event = self._http.next_event()
            match event:
                case h11.Request():
                    self._begin_reading(event)
                case h11.Data():
                    self._body += event.data
                    if len(self._body) > self._limits.max_line:
                        raise h11.RemoteProtocolError("the body is too large", 413)
                case h11.EndOfMessage():
                    self._transport.pause_reading()
                    self._patience.asked()
                    self._work = asyncio.get_running_loop().create_task(self._serve())
                    self._work.add_done_callback(self._ended)
                case h11.ConnectionClosed():
                    self._outlet.finish()
                    return
                case _:  # NEED_DATA
                    return

    def _is_partial(self) -> bool:
        """Say whether a request was begun, and its client is to go on."""
        if self._work is not None or self._last:
            return False
        return self._http.their_state is h11.SEND_BODY or bool(self._http.trailing_data[0])

    def _is_busy(self) -> bool:
        return self._work is not None or self._calls.holds

    def _let_go(self, bound: Bound) -> None:
        if bound is Bound.REQUEST:
            self._refuse(
                408, _said(f"A request is whole within {self._limits.request_seconds:g} s.")
            )
        else:
            self._last = True
            self._outlet.finish()

    def _begin_reading(self, request: h11.Request) -> None:
        self._request = request
        if len(request.target) > MAX_TARGET:
            raise h11.RemoteProtocolError("the target is too long", 414)
        self._body = bytearray()
        if self._http.they_are_waiting_for_100_continue:
            self._outlet.put(self._written(h11.InformationalResponse(status_code=100, headers=[])))

    async def _serve(self) -> None:
        request, body = self._request, bytes(self._body)
        assert request is not None
        self._body = bytearray()
        try:
            wanted = route(request.method, request.target, dict(request.headers), body)
        except RouteError as error:
            self._respond(error.status, _said(error.said))
            return
        work = self._dispatcher.read(wanted.line, self._calls)
        streams = any(isinstance(s, Ready) and s.method.name == STREAMING for s in work.steps)
        if streams and wanted.form is not Form.STREAM:
            self._respond(400, _said("Events come by GET /events."))
            return
        answer = await self._dispatcher.answer(work, self._slots)
        if wanted.form is Form.STREAM and answer is not None and _result(answer) is not None:
            await self._stream(answer)
        else:
            self._answer(wanted, answer)

    def _answer(self, wanted: Route, answer: bytes | None) -> None:
        if answer is None:
            self._respond(204, b"")
            return
        result = _result(answer)
        if wanted.form is Form.ANSWER:
            self._respond(200, answer)
        elif result is None:
            self._respond(_status(wanted, answer), answer)
        elif wanted.form is Form.METRICS:
            self._respond(200, exposition(bytes(result)), METRICS)
        elif wanted.form is Form.HEALTH:
            well = msgspec.json.decode(result, type=_Well).well
            self._respond(200 if well else 503, bytes(result))
        else:
            self._respond(200, bytes(result))

    async def _stream(self, answer: bytes) -> None:
        """Send what was subscribed to until the reader goes."""
        head = self._written(h11.Response(status_code=200, headers=EVENTS))
        first = b"event: subscribed\ndata: " + bytes(_result(answer) or b"") + b"\n\n"
        self._outlet.put(head + self._data(first))
        self._transport.resume_reading()  # to see that the reader goes
        self._streams = True
        self._streaming.set()
        with suppress(CallerGone):
            while True:
                await asyncio.sleep(BEAT_SECONDS)
                await self._outlet.send(self._data(b":\n\n"))

    def _ended(self, work: asyncio.Task[None]) -> None:
        if not work.cancelled() and (error := work.exception()) is not None:
            _log.error("answering failed: %s", type(error).__name__)
            self._transport.abort()
        if self._transport.is_closing():
            return
        self._work = None
        if (
            self._last
            or self._http.our_state is not h11.DONE
            or self._http.their_state is not h11.DONE
        ):
            self._outlet.finish()
            return
        self._http.start_next_cycle()
        self._request = None
        self._transport.resume_reading()
        self._take()  # of what came with the request before

    def _respond(self, status: int, body: bytes, kind: tuple[str, str] = JSON) -> None:
        body = body and body.removesuffix(b"\n") + b"\n"
        headers = [kind, ("content-length", str(len(body)))] if status != 204 else []
        if self._last:
            headers.append(("connection", "close"))
        head = h11.Response(status_code=status, headers=headers)
        if self._request is not None and self._request.method == b"HEAD":
            body = b""  # an answer to HEAD has none, whatever its length says (RFC 9110, 9.3.2)
        self._outlet.put(self._written(head, h11.Data(data=body), h11.EndOfMessage()))

    def _refuse(self, status: int, body: bytes) -> None:
        """Answer what is no request, if an answer still has its place, and hang up."""
        self._last = True
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self._respond(status, body)
        self._outlet.finish()

    def _written(self, *events: h11.Event) -> bytes:
        return b"".join(self._http.send(event) or b"" for event in events)

    def _data(self, data: bytes) -> bytes:
        try:
            return self._http.send(h11.Data(data=data)) or b""
        except h11.LocalProtocolError:
            raise CallerGone from None


def _result(answer: bytes) -> Raw | None:
    """Return the result of a single answer, None of an error or a batch."""
    try:
        result = msgspec.json.decode(answer, type=_Answered).result
        return None if isinstance(result, UnsetType) else result
    except msgspec.ValidationError:
        return None


def _status(wanted: Route, answer: bytes) -> int:
    """Return the status of an error of a request that is no JSON-RPC."""
    if msgspec.json.decode(answer, type=_Erred).error.data.kind == FORBIDDEN:
        return 403
    return 503 if wanted.form is Form.HEALTH else 400


def _said(sentence: str) -> bytes:
    return envelope.failure(None, DaemonError("invalid_request", sentence))
