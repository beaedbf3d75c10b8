"""What the relay's refusals and lost answers do to a chain: nothing is lost, doubled or given up too early."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from peerpost_daemon.outbound.answers import MAX_SEAL_ATTEMPTS
from peerpost_protocol.envelope import Envelope
from peerpost_protocol.frames import Accepted, Deliver, RelayFrame
from peerpost_protocol.refusals import Refusal
from peerpost_relay import publishing
from peerpost_relay.errors import RefusalError
from tests.support.accounts import RunningAccount, account
from tests.support.malicious_relay import MaliciousRelay, honest

ALICE, BOB, CAROL = "alice@example.org", "bob@example.org", "carol@example.org"


@pytest.fixture
async def alice(relay: MaliciousRelay, tmp_path: Path) -> AsyncIterator[RunningAccount]:
    async with account(tmp_path / "alice", ALICE, relay.url) as running:
        await running.online()
        yield running


@pytest.fixture
async def bob(relay: MaliciousRelay, tmp_path: Path) -> AsyncIterator[RunningAccount]:
    async with account(tmp_path / "bob", BOB, relay.url) as running:
        await running.online()
        yield running


@pytest.fixture(autouse=True)
async def carol(relay: MaliciousRelay, tmp_path: Path) -> None:
    """Let the directory know carol, who is not there."""
    async with account(tmp_path / "carol", CAROL, relay.url) as running:
        await running.online()


@pytest.fixture
async def channel(alice: RunningAccount, bob: RunningAccount) -> bytes:
    id_ = await alice.channel("ops", BOB)
    await bob.follows(id_)
    return id_


async def test_a_full_relay_costs_no_tries(
    alice: RunningAccount, bob: RunningAccount, channel: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [2 * MAX_SEAL_ATTEMPTS]
    next_ = publishing.require_next

    def full(last: object, envelope: Envelope) -> None:
        if left[0]:
            left[0] -= 1
            raise RefusalError(Refusal.STORAGE_FULL, "full", retry_after_ms=1)
        next_(last, envelope)  # type: ignore[arg-type]

    monkeypatch.setattr(publishing, "require_next", full)
    texts = [str(n) for n in range(5)]
    sent = [await alice.send(channel, text) for text in texts]
    await bob.shows(channel, *texts)
    rows = [await alice.outgoing(id_, "delivered") for id_ in sent]
    assert [row.attempts for row in rows] == [1] * len(rows)


async def test_a_roster_that_is_late_costs_no_tries(
    alice: RunningAccount, bob: RunningAccount, channel: bytes, relay: MaliciousRelay
) -> None:
    held: list[Deliver] = []

    def say(ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
        if ear == bob.card.id and isinstance(said, Deliver):
            held.append(said)
            return []
        return [said]

    relay.say = say
    await alice.engine.channels.add(channel, [CAROL])
    id_ = await bob.send(channel, "hello")
    await bob.until(lambda _: bob.engine._answers._behind)
    assert not bob.engine._answers.on_the_way
    relay.say = honest
    (peer,) = [
        p
        for p in relay._peers.values()
        if p.session.proof is not None and p.session.proof.card.id == bob.card.id
    ]
    for said in held:
        peer.send(said)
    await alice.shows(channel, "hello")
    assert (await bob.outgoing(id_, "sent")).attempts == 2


async def test_a_message_that_is_refused_for_good_leaves_no_hole(
    alice: RunningAccount, bob: RunningAccount, channel: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad: set[bytes] = set()
    next_ = publishing.require_next

    def picky(last: object, envelope: Envelope) -> None:
        if envelope.header.message in bad:
            raise RefusalError(Refusal.TOO_LARGE, "too large")
        next_(last, envelope)  # type: ignore[arg-type]

    monkeypatch.setattr(publishing, "require_next", picky)
    id_ = bytes(range(16))
    bad.add(id_)
    await alice.send(channel, "before")
    await alice.send(channel, "never", message=id_)
    after = [await alice.send(channel, f"after {n}") for n in range(3)]
    await bob.shows(channel, "before", "after 0", "after 1", "after 2")
    assert (await alice.outgoing(id_, "failed")).reason == "too_large"
    assert (await alice.outgoing(after[-1], "delivered")).sequence == 4
    assert await bob.reasons() == []


async def test_an_answer_that_is_lost_doubles_nothing(
    alice: RunningAccount, bob: RunningAccount, channel: bytes, relay: MaliciousRelay
) -> None:
    def say(ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
        return [] if ear == alice.card.id and isinstance(said, Accepted | Deliver) else [said]

    relay.say = say
    sent = [await alice.send(channel, text) for text in ("one", "two")]
    await bob.shows(channel, "one", "two")
    assert (await alice.outgoing(sent[0], "delivered")).position is None
    relay.say = honest
    alice.engine._link.reconnect()
    await alice.send(channel, "three")
    await bob.shows(channel, "one", "two", "three")
    assert await alice.reasons() == []
    assert await bob.reasons() == []
