"""The link to the relay: one session after another, for as long as the daemon runs.

A session that ends is followed by a wait (backoff.py) and another try. A terminal ending (the relay will not have this
card or this token) is followed by none until `retry_now` or `renew`. A relay that let us in is pinned for the sessions
to come; another key is refused before anything of ours is shown, and tried again at the longest delay.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from peerpost_daemon.link.actions import Ending
from peerpost_daemon.link.backoff import Backoff
from peerpost_daemon.link.connection import STOPPED, RelayConnection
from peerpost_daemon.link.errors import LinkDownError
from peerpost_daemon.link.observer import LinkObserver
from peerpost_daemon.link.requests import AnswerFrame, RequestFrame
from peerpost_daemon.link.session import NONCE_LENGTH, Session
from peerpost_daemon.link.settings import Credentials, LinkSettings, check_address
from peerpost_daemon.link.socket import DIAL_ERRORS, RelaySocket, dial, dial_ending
from peerpost_daemon.link.status import LinkFault, LinkState, LinkStatus

_log = logging.getLogger(__name__)


class RelayLink:
    """Keep a session with one relay. `jitter` returns a number from 0 up to 1; `monotonic` seconds.

    Raise AddressError when the URL of the settings cannot or may not be used.
    """

    def __init__(
        self,
        settings: LinkSettings,
        credentials: Credentials,
        observer: LinkObserver,
        *,
        now_ms: Callable[[], int],
        monotonic: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        jitter: Callable[[], float],
    ) -> None:
        check_address(settings)
        self._settings = settings
        self._credentials = credentials
        self._observer = observer
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._random_bytes = random_bytes
        self._backoff = Backoff(settings, jitter)
        self._connection: RelayConnection | None = None
        self._runner: asyncio.Task[None] | None = None
        self._closed = False
        self._wake = asyncio.Event()
        self._retry_at: float | None = None
        self._heard_at: float | None = None
        self._down_at = time.monotonic()
        self._status = LinkStatus(LinkState.OFF, now_ms(), settings.url)

    @property
    def status(self) -> LinkStatus:
        """Return how the link is at this moment."""
        retry_in = None
        if self._retry_at is not None:
            retry_in = max(0, round((self._retry_at - self._monotonic()) * 1000))
        trip = self._connection.round_trip_ms if self._connection else None
        heard_at = self._connection.heard_at if self._connection else self._heard_at
        return replace(
            self._status,
            retry_in_ms=retry_in,
            round_trip_ms=trip,
            heard_ago_ms=_since_ms(heard_at),
            down_ms=None if self._status.state is LinkState.ONLINE else _since_ms(self._down_at),
        )

    async def run(self) -> None:
        """Keep the link up until `close` or cancellation; once at a time."""
        if self._runner is not None:
            raise LinkDownError("already_running", "the link runs already")
        self._runner = runner = asyncio.create_task(self._sessions())
        try:
            await asyncio.wait({runner})
        finally:
            runner.cancel()
            await asyncio.gather(runner, return_exceptions=True)
            self._runner = None
        if not runner.cancelled():
            runner.result()

    def request_nowait(self, frame: RequestFrame) -> asyncio.Future[AnswerFrame]:
        """Send a request (its number is set here) and return its answer to come.

        Raise LinkDownError when there is no session, LinkBusyError when too much is in flight: await any answer then.
        The future fails with RefusedError, or LinkDownError when the session ends first; the relay's silence ends the
        session after `request_seconds`. Nobody needs to await it.
        """
        if self._connection is None:
            raise LinkDownError("link_down", "there is no session with the relay")
        return self._connection.request(frame)

    async def request(self, frame: RequestFrame) -> AnswerFrame:
        """Return the answer to a request; raise what `request_nowait` and its future raise."""
        return await self.request_nowait(frame)

    def retry_now(self) -> None:
        """End the wait for the next try, a terminal one as well."""
        self._backoff.reset()
        self._wake.set()

    def reconnect(self) -> None:
        """End the session and begin another, from the durable cursors: what it brought was not kept."""
        if self._connection is not None:
            self._connection.end(Ending("reconnected", "what it brought could not be kept"))

    def renew(self, credentials: Credentials) -> None:
        """Go on with other credentials, in a new session."""
        self._credentials = credentials
        if self._connection is not None:
            self._connection.end(Ending("renewed", "there are other credentials"))
        self.retry_now()

    def prove(self, code: str | None) -> None:
        """Publish the card again, with a code that proves its identity; without one the relay mails one."""
        self.renew(replace(self._credentials, code=code))

    async def close(self) -> None:
        """Stop `run` for good and say goodbye to the relay; return when that is done."""
        self._closed = True
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.wait({self._runner})

    async def _sessions(self) -> None:
        try:
            while not self._closed:
                await self._one_session()
                await self._wait()
        finally:
            self._retry_at = None
            self._change(LinkState.OFF)

    async def _one_session(self) -> None:
        self._wake.clear()
        self._change(LinkState.CONNECTING)
        try:
            socket = await dial(self._settings)
        except DIAL_ERRORS as error:
            self._ended(dial_ending(error))
            return
        self._connection = self._connect(socket)
        try:
            await self._connection.converse()
        finally:
            self._heard_at = self._connection.heard_at or self._heard_at
            self._connection = None

    def _connect(self, socket: RelaySocket) -> RelayConnection:
        nonce = self._random_bytes(NONCE_LENGTH)
        credentials = self._credentials

        def pin(relay_key: bytes) -> None:
            if self._credentials is credentials:
                self._credentials = replace(credentials, relay_key=relay_key, code=None)

        return RelayConnection(
            socket,
            Session(credentials, nonce, self._settings.agent),
            self._observer,
            self._settings,
            now_ms=self._now_ms,
            monotonic=self._monotonic,
            welcomed=pin,
            changed=self._follow,
        )

    def _follow(self, connection: RelayConnection) -> None:
        """Show at once that a session came online, or that it has ended."""
        self._status = replace(
            self._status,
            clock_skew_ms=connection.session.clock_skew_ms,
            attestation=connection.attestation or self._status.attestation,
        )
        if connection.ending is None:
            self._status = replace(self._status, last_error=None)
            self._change(LinkState.ONLINE)
            return
        self._backoff.lasted(connection.online_for())
        if connection.ending is not STOPPED:
            self._ended(connection.ending)

    def _ended(self, ending: Ending) -> None:
        """Note why, and when the next try will be."""
        _log.info("link to %s: %s (%r)", self._settings.url, ending.kind, ending.detail)
        if ending.terminal:
            self._retry_at = None
        else:
            self._retry_at = self._monotonic() + self._backoff.delay(ending)
        fault = LinkFault(ending.kind, ending.detail, ending.subject)
        self._status = replace(self._status, last_error=fault)
        self._change(LinkState.REFUSED if ending.terminal else LinkState.WAITING)

    async def _wait(self) -> None:
        delay = None if self._retry_at is None else self._retry_at - self._monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._wake.wait()
        self._retry_at = None

    def _change(self, state: LinkState) -> None:
        if state is not self._status.state:
            if self._status.state is LinkState.ONLINE:
                self._down_at = time.monotonic()
            self._status = replace(self._status, state=state, since_ms=self._now_ms())
            self._observer.changed(self.status)


def _since_ms(at: float | None) -> int | None:
    return None if at is None else max(0, round((time.monotonic() - at) * 1000))
