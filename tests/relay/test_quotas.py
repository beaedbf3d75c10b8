"""What a card, an address, a channel and an identity may cost the relay."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from websockets.exceptions import ConnectionClosed

from peerpost_protocol import frames as f
from peerpost_protocol.refusals import Refusal
from peerpost_relay import tokens
from peerpost_relay.errors import RefusalError
from peerpost_relay.quotas import READ_BYTES, ROSTER_EVENT_WRITES, Quotas
from peerpost_relay.settings import RelaySettings
from peerpost_relay.store import RateClass, Transaction
from tests.support.relay_client import Person, RelayClient, now_ms, position
from tests.support.relay_server import OPEN, RunningRelay, running_relay

CARD, OTHER = b"c" * 32, b"d" * 32
ELSEWHERE = "192.0.2.1"


class Clock:
    """Be a monotonic clock that stands still."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def quotas(clock: Clock, **changes: Any) -> Quotas:
    return Quotas(RelaySettings(**changes), clock)


def refused(made: Quotas, card: bytes, size: int = 1) -> RefusalError:
    with pytest.raises(RefusalError) as caught:
        made.write(card, size)
    assert caught.value.kind is Refusal.TOO_MANY_REQUESTS
    return caught.value


def test_a_card_writes_its_burst_and_then_at_its_rate() -> None:
    clock = Clock()
    made = quotas(clock, writes_per_second=4, writes_burst=2)
    made.write(CARD, 1)
    made.write(CARD, 1)
    assert refused(made, CARD).retry_after_ms == 250
    clock.now += 0.25
    made.write(CARD, 1)
    refused(made, CARD)


def test_each_card_has_its_own_rate() -> None:
    made = quotas(Clock(), writes_per_second=1, writes_burst=1)
    made.write(CARD, 1)
    made.write(OTHER, 1)
    refused(made, CARD)


def test_bytes_have_a_rate_of_their_own() -> None:
    clock = Clock()
    made = quotas(clock, write_bytes_per_second=100, write_bytes_burst=100)
    made.write(CARD, 100)
    assert refused(made, CARD, 50).retry_after_ms == 500
    clock.now += 0.5
    made.write(CARD, 50)


def test_one_write_larger_than_the_burst_waits_for_all_of_it() -> None:
    clock = Clock()
    made = quotas(clock, write_bytes_per_second=100, write_bytes_burst=100)
    made.write(CARD, 150)
    assert refused(made, CARD, 1).retry_after_ms == 510
    clock.now += 1.5
    made.write(CARD, 100)


def test_a_refused_write_costs_nothing() -> None:
    clock = Clock()
    made = quotas(clock, writes_per_second=1, writes_burst=1)
    made.write(CARD, 1)
    for _ in range(5):
        refused(made, CARD)
    clock.now += 1.0
    made.write(CARD, 1)


def test_an_address_has_so_many_sessions() -> None:
    made = quotas(Clock(), sessions_per_address_max=2)
    for _ in range(2):
        made.arrive("192.0.2.1")
    with pytest.raises(RefusalError) as caught:
        made.arrive("192.0.2.1")
    assert caught.value.retry_after_ms == 1_000
    made.arrive("192.0.2.2")
    made.leave("192.0.2.1")
    made.arrive("192.0.2.1")


def test_this_host_has_no_sessions_to_count() -> None:
    made = quotas(Clock(), sessions_per_address_max=1)
    made.arrive(None)
    made.arrive(None)
    made.leave(None)


def test_a_roster_event_counts_for_many_writes() -> None:
    made = quotas(Clock(), writes_per_second=1, writes_burst=ROSTER_EVENT_WRITES)
    made.write(CARD, 1, ROSTER_EVENT_WRITES)
    refused(made, CARD)


def too_fast(read: Callable[[], None]) -> int:
    with pytest.raises(RefusalError) as caught:
        read()
    assert caught.value.kind is Refusal.TOO_MANY_REQUESTS
    return caught.value.retry_after_ms or 0


def test_a_card_reads_its_burst_and_then_at_its_rate_from_anywhere() -> None:
    clock = Clock()
    made = quotas(clock, reads_per_second=4, reads_burst=2)
    made.read(CARD, "192.0.2.1", 2)
    assert too_fast(lambda: made.read(CARD, "192.0.2.2", 1)) == 250
    made.read(OTHER, "192.0.2.1", 2)
    clock.now += 0.25
    made.read(CARD, None, 1)


def test_an_address_reads_at_its_rate_with_any_card() -> None:
    made = quotas(Clock(), address_reads_per_second=4, address_reads_burst=2)
    made.read(CARD, "192.0.2.1", 2)
    assert too_fast(lambda: made.read(OTHER, "192.0.2.1", 1)) == 250
    made.read(OTHER, "192.0.2.2", 1)


def test_a_large_answer_lets_the_next_read_wait() -> None:
    made = quotas(Clock(), reads_per_second=10, reads_burst=2)
    made.read(CARD, None, 1)
    made.answered(CARD, None, 0, 5 * READ_BYTES)
    assert too_fast(lambda: made.read(CARD, None, 1)) == 500


def test_an_address_greets_at_its_rate() -> None:
    made = quotas(Clock(), greetings_per_second=4, greetings_burst=1)
    made.greet("192.0.2.1")
    assert too_fast(lambda: made.greet("192.0.2.1")) == 250
    made.greet("192.0.2.2")
    for _ in range(5):
        made.greet(None)


@asynccontextmanager
async def bounded(folder: Path, **changes: Any) -> AsyncIterator[RunningRelay]:
    async with running_relay(folder, replace(OPEN, **changes)) as relay:
        yield relay


def full(answer: f.RelayFrame, field: str) -> None:
    assert isinstance(answer, f.Refused)
    assert (answer.kind, answer.field) == (Refusal.QUOTA_EXCEEDED, field)
    assert answer.come_back
    assert answer.retry_after_ms == 60_000


async def test_who_publishes_too_fast_is_told_when_to_come_back(tmp_path: Path) -> None:
    alice = Person("alice@example.org")
    async with (
        bounded(tmp_path, writes_per_second=1, writes_burst=ROSTER_EVENT_WRITES + 1) as relay,
        await RelayClient.register(relay.url, alice) as client,
    ):
        roster, event = alice.create([])
        await client.submit(event)
        assert position(await client.publish(alice.envelope(roster))) == 2
        answer = await client.publish(alice.envelope(roster))
        assert isinstance(answer, f.Refused)
        assert (answer.kind, answer.come_back) == (Refusal.TOO_MANY_REQUESTS, True)
        assert 0 < (answer.retry_after_ms or 0) <= 1_000


async def test_a_channel_stores_no_more_than_it_may(tmp_path: Path) -> None:
    alice = Person("alice@example.org")
    async with (
        bounded(tmp_path, channel_bytes_max=3_000) as relay,
        await RelayClient.register(relay.url, alice) as client,
    ):
        roster, event = alice.create([])
        other, another = alice.create([], name="other")
        await client.submit(event)
        await client.submit(another)
        position(await client.publish(alice.envelope(roster, "x" * 1_500)))
        full(await client.publish(alice.envelope(roster, "x" * 1_500)), "channel")
        position(await client.publish(alice.envelope(other, "x" * 1_500)))


async def test_an_identity_stores_no_more_than_it_may(tmp_path: Path) -> None:
    alice, bob = Person("alice@example.org"), Person("bob@example.org")
    async with (
        bounded(tmp_path, identity_bytes_max=3_000) as relay,
        await RelayClient.register(relay.url, alice) as client,
        await RelayClient.register(relay.url, bob) as other,
    ):
        roster, event = alice.create([bob])
        await client.submit(event)
        position(await client.publish(alice.envelope(roster, "x" * 1_500)))
        full(await client.publish(alice.envelope(roster, "x" * 1_500)), "identity")
        position(await other.publish(bob.envelope(roster, "x" * 1_500)))


async def test_what_has_expired_counts_no_more(tmp_path: Path) -> None:
    alice = Person("alice@example.org")
    async with (
        bounded(tmp_path, channel_bytes_max=4_000, upkeep_seconds=0.02) as relay,
        await RelayClient.register(relay.url, alice) as client,
    ):
        roster, event = alice.create([])
        await client.submit(event)
        place = alice.place(roster, expires_at_ms=now_ms() + 300)
        position(await client.publish(alice.envelope(roster, "x" * 1_500, place=place)))
        data = alice.envelope(roster, "x" * 1_500)
        full(await client.publish(data), "channel")
        async with asyncio.timeout(10):
            while isinstance(await client.publish(data), f.Refused):
                pass  # until the relay's own round of expiry


async def test_a_card_that_comes_once_too_often_loses_its_oldest_session(tmp_path: Path) -> None:
    alice = Person("alice@example.org")
    async with bounded(tmp_path, sessions_per_card_max=2) as relay:
        first = await RelayClient.register(relay.url, alice)
        second = await RelayClient.connect(relay.url, alice)
        third = await RelayClient.connect(relay.url, alice)
        closing = await first.expect(f.Closing)
        assert (closing.kind, closing.come_back) == (Refusal.TOO_MANY_REQUESTS, True)
        for client in (second, third):
            assert isinstance(await client.search(alice.card.identity), f.Cards)
            await client.close()


async def test_an_address_with_too_many_sessions_is_closed_with_the_reason(tmp_path: Path) -> None:
    async with bounded(tmp_path, sessions_per_address_max=1) as relay:
        async with await RelayClient.connect(relay.url, forwarded_for=ELSEWHERE):
            late = await RelayClient.connect(relay.url, forwarded_for=ELSEWHERE)
            closing = await late.expect(f.Closing)
            assert closing.kind == Refusal.TOO_MANY_REQUESTS
            assert closing.retry_after_ms == 1_000
            with pytest.raises(ConnectionClosed):
                await late.next()
        deadline = time.monotonic() + 10
        while relay.relay.health()[1]["connections"]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        async with await RelayClient.connect(relay.url, forwarded_for=ELSEWHERE) as again:
            await again.greet()


async def test_the_cards_of_a_slow_token_write_a_part_of_what_others_may(tmp_path: Path) -> None:
    settings = replace(OPEN, writes_per_second=1, writes_burst=30)
    slow = tokens.make_token(bytes(32))
    add = partial(add_token, digest=tokens.digest_of(slow))
    async with running_relay(tmp_path, settings) as relay:
        await relay.store.write([add])
        alice, bob = Person("alice@example.org"), Person("bob@example.org")
        for who, token, allowed in ((alice, slow, 3), (bob, None, 30)):
            async with await RelayClient.register(relay.url, who, token) as client:
                said = [await client.publish_card(who) for _ in range(allowed + 1)]
                assert [type(answer) for answer in said[:-1]] == [f.Accepted] * allowed
                assert isinstance(said[-1], f.Refused)
                assert said[-1].kind == Refusal.TOO_MANY_REQUESTS


def add_token(transaction: Transaction, digest: bytes) -> int:
    return transaction.add_token(digest, "*", now_ms(), None, None, rate=RateClass.SLOW)
