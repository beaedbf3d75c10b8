"""Ingest: one inbox, verification in threads, each sender's order, and what is full is not read."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from peerpost_protocol import frames as f
from peerpost_protocol.errors import SignatureError
from peerpost_protocol.head import request_of
from peerpost_protocol.refusals import Refusal
from peerpost_relay.errors import RefusalError
from peerpost_relay.ingest import Cards, Ingest, Job
from peerpost_relay.peer import Peer
from peerpost_relay.session import Session, State
from peerpost_relay.settings import RelaySettings
from peerpost_relay.sqlite_store import SqliteStore

SETTINGS = RelaySettings(
    requests_in_flight_max=8, requests_waiting_max=20, inbox_frames_max=30, batch_frames_max=16
)


class Line:
    """Be a connection: remember what it is told."""

    def __init__(self) -> None:
        self.buffered = 0
        self.reading = True
        self.closed = False
        self.sent = 0

    def send(self, framed: bytes) -> None:
        self.sent += 1

    def offer(self, framed: bytes, bytes_max: int) -> bool:
        if self.buffered > bytes_max:
            return False
        self.send(framed)
        return True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def widen(self) -> None:
        pass

    def close(self, code: int, reason: str = "") -> None:
        self.closed = True


class Desk:
    """Be the stages behind: verify by a given function, and remember what came out."""

    def __init__(self, check: Callable[[int], Any], *, idle: bool = False) -> None:
        self._check = check
        self.idle = idle
        self.at_once: list[int] = []
        self.results: list[tuple[int, Any]] = []
        self.done = asyncio.Event()
        self.wanted = 0
        self.open = asyncio.Event()
        self.open.set()

    def job(self, peer: Peer, asked: f.ClientFrame, cards: Cards) -> Job:
        assert isinstance(asked, f.SearchCards)
        number = asked.request

        def then(result: Any) -> None:
            self.results.append((number, result))
            if len(self.results) == self.wanted:
                self.done.set()

        def at_once() -> None:
            self.at_once.append(number)
            then(None)

        return Job(peer, lambda: self._check(number), then, at_once)

    async def room(self) -> None:
        await self.open.wait()


def request(number: int) -> bytes:
    return f.encode_frame(f.SearchCards(number, ("alice@example.org",)))


def peer() -> Peer:
    session = Session(3)
    session.state = State.AUTHENTICATED
    return Peer(Line(), session)


def line_of(peer: Peer) -> Line:
    assert isinstance(peer.line, Line)
    return peer.line


@pytest.fixture
async def ingest(tmp_path: Path) -> AsyncIterator[Ingest]:
    store = await SqliteStore.open(tmp_path / "relay.sqlite")
    made = Ingest(SETTINGS, store)
    yield made
    made.close()
    await store.close()


async def work(ingest: Ingest, desk: Desk, count: int) -> None:
    """Run the stage until `count` results are there."""
    desk.wanted = count
    task = asyncio.create_task(ingest.run(desk))
    async with asyncio.timeout(10):
        await desk.done.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_results_come_in_the_order_of_arrival_whatever_thread_was_faster(
    ingest: Ingest,
) -> None:
    second_part = threading.Event()

    def check(number: int) -> int:
        if number == 0:  # the first part waits for the second one
            assert second_part.wait(5)
        if number == 7:
            second_part.set()
        return number

    desk, sender = Desk(check), peer()
    for number in range(8):
        ingest.take(sender, request(number))
    await work(ingest, desk, 8)
    assert desk.results == [(number, number) for number in range(8)]


async def test_checks_run_outside_the_loops_thread(ingest: Ingest) -> None:
    desk = Desk(lambda _: threading.current_thread())
    ingest.take(peer(), request(1))
    await work(ingest, desk, 1)
    assert desk.results[0][1] is not threading.current_thread()


async def test_what_a_check_finds_wrong_becomes_a_refusal_of_that_frame_alone(
    ingest: Ingest,
) -> None:
    def check(number: int) -> int:
        if number == 1:
            raise SignatureError("bad_signature", "no")
        return 100 // (number - 2)  # a mistake of ours for 2

    desk, sender = Desk(check), peer()
    for number in range(4):
        ingest.take(sender, request(number))
    await work(ingest, desk, 4)
    kinds = [r.kind for _, r in desk.results if isinstance(r, RefusalError)]
    assert kinds == [Refusal.BAD_SIGNATURE, Refusal.STORAGE_FAILED]
    assert desk.results[3] == (3, 100)


async def test_too_much_under_way_stops_the_reading_until_half_is_answered(
    ingest: Ingest,
) -> None:
    sender = peer()
    for number in range(8):
        ingest.take(sender, request(number))
    assert not line_of(sender).reading
    await work(ingest, Desk(lambda number: number), 8)
    for _ in range(3):
        ingest.answered(sender)
    assert not line_of(sender).reading
    ingest.answered(sender)
    assert line_of(sender).reading


async def test_a_full_inbox_stops_whoever_fills_it_and_starts_it_again(ingest: Ingest) -> None:
    senders = [peer() for _ in range(SETTINGS.inbox_frames_max)]
    for number, sender in enumerate(senders):
        ingest.take(sender, request(number))
    assert not line_of(senders[-1]).reading
    await work(ingest, Desk(lambda number: number), len(senders))
    assert line_of(senders[-1]).reading


async def test_a_peer_that_does_not_read_its_answers_is_not_read(ingest: Ingest) -> None:
    sender = peer()
    line_of(sender).buffered = SETTINGS.answer_bytes_max + 1
    ingest.take(sender, request(1))
    assert not line_of(sender).reading
    line_of(sender).buffered = 0
    ingest.relieve(sender)
    assert line_of(sender).reading


async def test_far_too_many_requests_end_the_session(ingest: Ingest) -> None:
    sender = peer()
    for number in range(SETTINGS.requests_waiting_max + 1):
        ingest.take(sender, request(number))
    assert line_of(sender).closed


async def test_frames_of_a_peer_that_is_gone_are_dropped(ingest: Ingest) -> None:
    desk, gone, here = Desk(lambda number: number), peer(), peer()
    ingest.take(gone, request(1))
    ingest.take(here, request(2))
    gone.leave()
    await work(ingest, desk, 1)
    assert desk.results == [(2, 2)]


@pytest.mark.parametrize(("count", "idle"), [(2, True), (3, True), (2, False)])
async def test_only_few_that_meet_an_idle_writer_are_handed_on_unverified(
    ingest: Ingest, count: int, idle: bool
) -> None:
    desk, sender = Desk(lambda number: number, idle=idle), peer()
    for number in range(count):
        ingest.take(sender, request(number))
    await work(ingest, desk, count)
    assert desk.at_once == (list(range(2)) if idle and count == 2 else [])
    assert [number for number, _ in desk.results] == list(range(count))


async def test_nothing_more_is_taken_while_the_stages_behind_are_full(ingest: Ingest) -> None:
    desk, sender = Desk(lambda number: number), peer()
    desk.open.clear()
    desk.wanted = 1
    task = asyncio.create_task(ingest.run(desk))
    ingest.take(sender, request(1))
    await desk.done.wait()
    ingest.take(sender, request(2))
    assert not ingest._idle.is_set()
    desk.done.clear()
    desk.wanted = 2
    desk.open.set()
    await desk.done.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("payload", "number"),
    [
        (b"\x92\xa3bad\x07", 7),
        (b"\x92\xa3bad\xff", 0),
        (b"\x91\xa3bad", 0),
        (b"\x92\xa3bad\xc3", 0),
        (b"\xc1", 0),
        (b"", 0),
        (b"\x91" * 100_000, 0),
    ],
)
def test_the_number_of_a_malformed_request_is_found_where_there_is_one(
    payload: bytes, number: int
) -> None:
    assert request_of(payload) == number
