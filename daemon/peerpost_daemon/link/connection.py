"""One connection: the shell that moves bytes between socket and session, and tells the observer.

Reading never waits for the observer. Its coroutines run in a task of their own; what arrives while it takes in a new
subscription is held back, in order and within a bound, so a request that the observer makes meanwhile is answered.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import assert_never

from websockets.exceptions import WebSocketException

from peerpost_daemon.link.actions import Action, Answered, Ended, Ending, News, Send
from peerpost_daemon.link.errors import (
    InboundFullError,
    LinkDownError,
    LinkError,
    RefusedError,
    RelayFaultError,
)
from peerpost_daemon.link.observer import LinkObserver
from peerpost_daemon.link.requests import AnswerFrame, NewsFrame, RequestFrame
from peerpost_daemon.link.session import Session
from peerpost_daemon.link.settings import LinkSettings
from peerpost_daemon.link.socket import RelaySocket
from peerpost_protocol.frames import (
    SUBPROTOCOL,
    Attestation,
    BackupNotice,
    CardNotice,
    Deliver,
    Joined,
    ReceiptNotice,
    Refused,
    Subscribed,
    Welcome,
)
from peerpost_protocol.refusals import Refusal

_log = logging.getLogger(__name__)
_PROTOCOL_ERROR = 1002
_NORMAL = 1000
STOPPED = Ending("stopped", "the link was stopped")
_MAX_REASON_CHARACTERS = 40
_FAULTS = frozenset({"malformed", "unexpected_frame", "bad_signature", "relay_key_changed"})


class RelayConnection:
    """Run one session over one open socket until it ends."""

    def __init__(
        self,
        socket: RelaySocket,
        session: Session,
        observer: LinkObserver,
        settings: LinkSettings,
        *,
        now_ms: Callable[[], int],
        monotonic: Callable[[], float],
        welcomed: Callable[[bytes], None],
        changed: Callable[["RelayConnection"], None],
    ) -> None:
        self.attestation: Attestation | None = None
        self._online_at: float | None = None
        self._socket = socket
        self.session = session
        self._observer = observer
        self._settings = settings
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._on_welcome = welcomed
        self._on_change = changed
        self._ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[News] | None = []
        self._held_bytes = 0

    @property
    def round_trip_ms(self) -> float | None:
        """Return the last ping's round trip, None before the first."""
        return self._socket.latency * 1000 or None

    @property
    def heard_at(self) -> float | None:
        """Return when bytes came last, in the seconds of time.monotonic."""
        return self._socket.heard_at

    @property
    def ending(self) -> Ending | None:
        """Return why the session has ended, None while it goes on."""
        return self._ended.result() if self._ended.done() else None

    def online_for(self) -> float:
        """Return the seconds since the session came online, 0 if it did not."""
        return 0.0 if self._online_at is None else self._monotonic() - self._online_at

    async def converse(self) -> Ending:
        """Return why the session ended; everything of it is over by then."""
        self._spawn(self._read())
        self._spawn(self._watch())
        try:
            await asyncio.wait({self._ended})  # waiting for it itself would cancel it with us
            return self._ended.result()
        finally:
            self.end(STOPPED)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._close()

    def request(self, frame: RequestFrame) -> asyncio.Future[AnswerFrame]:
        """Send a request; raise LinkDownError or LinkBusyError."""
        if not self.session.authenticated or self._ended.done():
            raise LinkDownError("link_down", "there is no session with the relay")
        future: asyncio.Future[AnswerFrame] = asyncio.get_running_loop().create_future()
        self._socket.check_room(self._settings.max_unsent_bytes)
        self._post(self.session.request(frame, future, self._monotonic()))
        return future

    def end(self, ending: Ending) -> None:
        """Let the session end for this reason, unless it has ended; what was asked fails now."""
        if self._ended.done():
            return
        self._ended.set_result(ending)
        for ticket in self.session.end():
            assert isinstance(ticket, asyncio.Future)
            _fail(ticket, LinkDownError("link_down", f"the session ended: {ending.kind}"))
        self._on_change(self)

    async def _read(self) -> None:
        self._expect_subprotocol()
        self._post(self.session.begin(self._monotonic()))
        while not self._ended.done():
            self._receive(await self._socket.recv())

    def _expect_subprotocol(self) -> None:
        if self._socket.subprotocol != SUBPROTOCOL:
            raise RelayFaultError("handshake_refused", f"the peer does not speak {SUBPROTOCOL}")

    def _receive(self, data: str | bytes) -> None:
        if isinstance(data, str):
            raise RelayFaultError("malformed", "the relay's frame: not a binary message")
        for action in self.session.receive(data, at=self._monotonic(), now_ms=self._now_ms()):
            self._act(action)

    def _act(self, action: Action) -> None:
        match action:
            case Answered(ticket, answer):
                assert isinstance(ticket, asyncio.Future)
                _resolve(ticket, answer)
            case News():
                self._hold_or_tell(action)
            case Send():
                self._post(action)
            case Welcome():
                self._spawn(self._subscribe(action))
            case Subscribed():
                self._spawn(self._take_in(action))
            case Ended(ending):
                self.end(ending)
            case _:
                assert_never(action)

    async def _subscribe(self, welcome: Welcome) -> None:
        self.attestation = welcome.attestation
        self._on_welcome(self.session.relay_key)
        await self._observer.welcomed(self.session.relay_key, welcome.attestation, welcome.epoch)
        cursors = await self._observer.cursors()
        self._post(self.session.subscribe(cursors, self._monotonic()))

    async def _take_in(self, subscribed: Subscribed) -> None:
        await self._observer.subscribed(subscribed.states)
        held, self._held = self._held or [], None
        self._online_at = self._monotonic()
        self._on_change(self)
        for news in held:
            self._tell(news.frame, news.size)

    def _hold_or_tell(self, news: News) -> None:
        if self._held is None:
            self._tell(news.frame, news.size)
            return
        self._held.append(news)
        self._held_bytes += news.size
        if self._held_bytes > self._settings.max_held_bytes:
            raise InboundFullError("more arrived than may wait for the new subscription")

    def _tell(self, frame: NewsFrame, size: int) -> None:
        match frame:
            case Deliver(channel, items):
                self._observer.deliver(channel, items, size)
            case ReceiptNotice(channel, revision, receipt):
                self._observer.receipt(channel, revision, receipt, size)
            case BackupNotice(fetch):
                self._observer.backup_fetched(fetch)
            case Joined(state):
                self._observer.joined(state)
            case CardNotice():
                self._observer.cards(frame, size)
            case _:
                assert_never(frame)

    async def _watch(self) -> None:
        """End a session whose relay answers pings but not what it was asked."""
        while self.session.oldest_wait(self._monotonic()) <= self._settings.request_seconds:  # noqa: ASYNC110  time passing is no event
            await asyncio.sleep(self._settings.watch_interval)
        self.end(Ending("no_answer", "the relay did not answer in time"))

    def _post(self, send: Send) -> None:
        self._socket.post(send.data)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(
            lambda _: work.close()
        )  # cancelled before it began, nobody awaits it

    async def _guard(self, work: Coroutine[None, None, None]) -> None:
        """Let whatever goes wrong in a task end the session with its reason, and nothing else."""
        try:
            await work
        except RelayFaultError as error:
            changed = error.kind == "relay_key_changed"
            self.end(Ending(error.kind, error.detail, come_back=not changed))
        except LinkError as error:
            terminal = error.kind == Refusal.CARD_TAKEN_OVER
            self.end(Ending(error.kind, error.detail, terminal))
        except WebSocketException as error:
            self.end(Ending("connection_lost", str(error)))
        except Exception:  # noqa: BLE001  the observer's own faults must not stop the link for good
            _log.exception("a task of the link failed")
            self.end(Ending("observer_failed", "a task of the link failed; see the log"))

    async def _close(self) -> None:
        """Say goodbye; the library waits for the relay's close frame for `close_seconds`."""
        ending = self._ended.result()
        code = _PROTOCOL_ERROR if ending.kind in _FAULTS else _NORMAL
        try:
            await self._socket.close(code, ending.kind[:_MAX_REASON_CHARACTERS])
        except BaseException:
            self._socket.transport.abort()
            raise


def _resolve(future: asyncio.Future[AnswerFrame], answer: AnswerFrame | Refused) -> None:
    if isinstance(answer, Refused):
        _fail(future, RefusedError(answer))
    elif not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[AnswerFrame], error: LinkError) -> None:
    """Fail the request; whoever does not look at it does not get a line in the log for it."""
    if not future.done():
        future.set_exception(error)
        future.exception()
