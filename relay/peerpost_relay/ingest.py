"""Take what all sockets brought: parse, verify in threads, hand on in each sender's order.

One task, one inbox, bounded in frames and bytes. All that waits (up to `batch_frames_max`) is
taken at once, cut into as many parts as there are verifying threads (libsodium runs outside the
interpreter's lock), and handed on in the order of arrival. Few that meet an idle writer are handed
on unverified, to be verified in its thread before they are written: a message that comes alone is
handed from thread to thread twice and not four times. Sockets whose frames meet a full inbox, that
have too much under way, or whose peers do not read their answers, are not read until that is over.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from peerpost_protocol.errors import MalformedError, ProtocolError
from peerpost_protocol.frames import (
    Authenticate,
    ClientFrame,
    SubmitRosterEvent,
    decode_client_frame,
)
from peerpost_protocol.head import request_of
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.roster import parse_event
from peerpost_relay.errors import RefusalError, StoreError, fault, refusal_of
from peerpost_relay.peer import Peer
from peerpost_relay.session import Action, State
from peerpost_relay.settings import RelaySettings, Renewable
from peerpost_relay.store import Snapshot, Store, StoredCard

PART_FRAMES_MIN = 4  # a smaller part is not worth another thread
ALONE_FRAMES_MAX = 2  # that are verified where they are written

Cards = Mapping[bytes, StoredCard | None]


class Arrival(Struct, frozen=True):
    """Be a frame that came and has not been looked at."""

    peer: Peer
    payload: bytes


class Job(Struct, frozen=True):
    """Be what a frame asks: `check` runs in a thread, `then` takes its result on the loop.

    `check` None: there is nothing to verify. A RefusalError takes the place of the result.
    `at_once`, in place of both: hand it on with its check.
    """

    peer: Peer
    check: Callable[[], Any] | None
    then: Callable[[Any], None]
    at_once: Callable[[], None] | None = None


class Desk(Protocol):
    """Be who knows what each frame asks (requests.py)."""

    def job(self, peer: Peer, asked: ClientFrame, cards: Cards) -> Job:
        """Return what is to be done for a frame that its session let through."""

    async def room(self) -> None:
        """Wait until the stages behind have room."""

    @property
    def idle(self) -> bool:
        """Tell whether nothing is being written."""


class Ingest(Renewable):
    """Own the inbox of frames and the task that verifies them."""

    def __init__(self, settings: RelaySettings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._inbox: deque[Arrival] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._throttled: set[Peer] = set()
        self._threads = ThreadPoolExecutor(settings.verifiers, "verify")

    def take(self, peer: Peer, payload: bytes) -> None:
        """Let a frame wait; what is full stops the reading."""
        if peer.in_flight >= self._settings.requests_waiting_max:
            peer.close(Refusal.TOO_MANY_REQUESTS, "too many requests at once")
            return
        peer.in_flight += 1
        self._inbox.append(Arrival(peer, payload))
        self._bytes += len(payload)
        self._filled.set()
        self._idle.clear()
        if (
            self._full()
            or peer.in_flight >= self._settings.requests_in_flight_max
            or peer.line.buffered > self._settings.answer_bytes_max
        ):
            peer.throttle()
            self._throttled.add(peer)

    def answered(self, peer: Peer) -> None:
        """Count one request of a peer as done."""
        peer.in_flight -= 1
        self.relieve(peer)

    def relieve(self, peer: Peer) -> None:
        """Read from a peer again if nothing is in the way any more."""
        if peer.throttled and self._relievable(peer):
            self._throttled.discard(peer)
            peer.relieve()

    def forget(self, peer: Peer) -> None:
        """Forget a peer whose connection is gone; its waiting frames are dropped in their turn."""
        self._throttled.discard(peer)

    async def drained(self) -> None:
        """Wait until everything taken so far was handed on."""
        await self._idle.wait()

    async def run(self, desk: Desk) -> None:
        """Work until cancelled."""
        while True:
            await self._filled.wait()
            await self._handle(desk, self._batch())
            if not self._inbox:
                self._filled.clear()
                self._idle.set()
            await desk.room()

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _batch(self) -> list[Arrival]:
        count = min(len(self._inbox), self._settings.batch_frames_max)
        batch = [self._inbox.popleft() for _ in range(count)]
        self._bytes -= sum(len(arrival.payload) for arrival in batch)
        if self._throttled and not self._full():
            for peer in list(self._throttled):
                self.relieve(peer)
        return batch

    def _full(self) -> bool:
        settings = self._settings
        return len(self._inbox) >= settings.inbox_frames_max or (
            self._bytes >= settings.inbox_bytes_max
        )

    def _relievable(self, peer: Peer) -> bool:
        settings = self._settings
        return (
            not self._full()
            and peer.in_flight <= settings.requests_in_flight_max // 2
            and peer.line.buffered <= settings.answer_bytes_max
        )

    async def _handle(self, desk: Desk, batch: list[Arrival]) -> None:
        admitted = [a for arrival in batch if (a := self._admit(arrival)) is not None]
        wanted = {card for _, asked, _ in admitted for card in _named(asked)}
        try:
            cards = await self._store.read(partial(_cards, wanted=wanted)) if wanted else {}
        except StoreError as error:
            self._lost(admitted, error)
            return
        jobs = [desk.job(peer, asked, cards) for peer, asked, _ in admitted]
        if desk.idle and _are_few(jobs):
            for job in jobs:
                job.at_once() if job.at_once else job.then(None)
            return
        for job, result in zip(jobs, await self._verified(jobs), strict=True):
            job.then(result)

    def _admit(self, arrival: Arrival) -> tuple[Peer, ClientFrame, Action] | None:
        """Parse a frame and ask its session; answer at once when that is the end of it."""
        peer = arrival.peer
        if peer.gone:
            return None
        try:
            asked = decode_client_frame(arrival.payload)
        except MalformedError as error:
            self._refuse(peer, request_of(arrival.payload), refusal_of(error))
            return None
        try:
            return peer, asked, peer.session.receive(asked)
        except RefusalError as refusal:
            self._refuse(peer, getattr(asked, "request", 0), refusal)
            return None

    def _refuse(self, peer: Peer, request: int, refusal: RefusalError) -> None:
        if peer.session.state is State.AWAITING_HELLO:
            peer.close(refusal.kind, refusal.detail)
            return
        peer.refuse(request, refusal)
        self.answered(peer)

    def _lost(self, admitted: list[tuple[Peer, ClientFrame, Action]], error: StoreError) -> None:
        for peer, asked, action in admitted:
            if action is Action.PROVE:
                peer.session.disproven()
            self._refuse(
                peer, getattr(asked, "request", 0), RefusalError(error.kind, "the store failed")
            )

    async def _verified(self, jobs: list[Job]) -> list[Any]:
        """Run all checks; return their results and refusals in the order of the jobs."""
        size = max(PART_FRAMES_MIN, -(-len(jobs) // self._settings.verifiers))
        parts = [jobs[start : start + size] for start in range(0, len(jobs), size)]
        loop = asyncio.get_running_loop()
        waiting = [
            loop.run_in_executor(self._threads, _checked, part)
            if any(job.check for job in part)
            else None
            for part in parts
        ]
        results: list[Any] = []
        for part, future in zip(parts, waiting, strict=True):
            results += await future if future is not None else [None] * len(part)
        return results


def _named(asked: ClientFrame) -> tuple[bytes, ...]:
    """Return the cards whose keys the verification of a frame needs, besides its session's."""
    match asked:
        case Authenticate(card=card):
            return (card,)
        case SubmitRosterEvent(event=signed):
            try:
                return (parse_event(signed).body.author,)
            except ProtocolError:
                return ()  # the check says so
        case _:
            return ()


def _cards(snapshot: Snapshot, *, wanted: set[bytes]) -> dict[bytes, StoredCard | None]:
    found = {id_: snapshot.card(id_) for id_ in wanted}
    return {
        id_: replace(card, holder=snapshot.holder(id_)) if card else None
        for id_, card in found.items()
    }


def _are_few(jobs: list[Job]) -> bool:
    """Tell whether a batch is no work for threads: its checks can be made where it is written."""
    checks = [job for job in jobs if job.check is not None]
    return len(checks) <= ALONE_FRAMES_MAX and all(job.at_once for job in checks)


def _checked(jobs: list[Job]) -> list[Any]:
    return [checked(job.check) for job in jobs]


def checked(check: Callable[[], Any] | None) -> Any:  # noqa: ANN401  each check has its own verified type
    """Return what a check verified, or the refusal that it ended in."""
    try:
        return check() if check is not None else None
    except RefusalError as refusal:
        return refusal
    except ProtocolError as error:
        return refusal_of(error)
    except Exception as error:  # noqa: BLE001  a mistake of ours concerns this frame alone
        return fault(error)
