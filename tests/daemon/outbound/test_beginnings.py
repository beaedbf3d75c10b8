"""Beginnings: direct channels from both sides, and recipients that cannot be begun."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from peerpost_daemon.records import channels
from peerpost_protocol.frames import RelayFrame
from tests.support.accounts import RunningAccount, account
from tests.support.malicious_relay import MaliciousRelay, honest

ALICE, BOB = "alice@example.org", "bob@example.org"


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


async def test_both_sides_at_once_end_in_one_channel(
    alice: RunningAccount, bob: RunningAccount
) -> None:
    first, second = await alice.send(BOB, "hello bob"), await bob.send(ALICE, "hello alice")
    one = (await alice.outgoing(first, "delivered")).channel
    other = (await bob.outgoing(second, "delivered")).channel
    assert one is not None
    assert one == other
    assert await alice.texts(one) == ["hello alice"]
    assert await bob.texts(one) == ["hello bob"]
    assert len(await alice.read(channels.everything)) == 1


async def test_an_identity_without_a_card_holds_nobody_up(
    alice: RunningAccount, bob: RunningAccount
) -> None:
    lost = await alice.send("nobody@example.org", "hello?")
    found = await alice.send(BOB, "hello")
    await alice.outgoing(found, "delivered")
    assert (await alice.outgoing(lost, "failed")).reason == "unknown_identity"


async def test_a_message_to_oneself_holds_nobody_up(
    alice: RunningAccount, bob: RunningAccount
) -> None:
    own = await alice.send(ALICE, "note")
    found = await alice.send(BOB, "hello")
    await alice.outgoing(found, "delivered")
    await alice.outgoing(own, "failed")


async def test_a_malformed_identity_holds_nobody_up(
    alice: RunningAccount, bob: RunningAccount
) -> None:
    lost = await alice.send("not an identity", "hello?")
    found = await alice.send(BOB, "hello")
    await alice.outgoing(found, "delivered")
    await alice.outgoing(lost, "failed")


async def test_a_channel_made_while_there_was_no_link_begins_later(
    alice: RunningAccount, bob: RunningAccount, relay: MaliciousRelay
) -> None:
    def silent(ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
        return [] if ear == alice.card.id else [said]

    id_ = await alice.engine.channels.create("ops", [BOB])
    relay.say = silent
    message = await alice.send(id_, "hello")
    relay.say = honest
    alice.engine._link.reconnect()
    await alice.outgoing(message, "delivered")
    await bob.shows(id_, "hello")


async def test_a_channel_of_oneself_delivers_to_nobody_else(alice: RunningAccount) -> None:
    id_ = await alice.channel("notes")
    message = await alice.send(id_, "note")
    await alice.outgoing(message, "delivered")
