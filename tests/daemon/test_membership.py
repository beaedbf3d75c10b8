"""Membership: what can be begun, and what is refused before the relay hears of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import channels
from peerpost_protocol.limits import MAX_CHANNEL_NAME_CHARACTERS
from tests.support.accounts import RunningAccount, account
from tests.support.relay_server import running_relay

ALICE, BOB = "alice@example.org", "bob@example.org"


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with running_relay(tmp_path / "relay") as relay:
        yield relay.url


@pytest.fixture
async def alice(url: str, tmp_path: Path) -> AsyncIterator[RunningAccount]:
    async with account(tmp_path / "alice", ALICE, url) as running:
        await running.online()
        yield running


@pytest.fixture
async def bob(url: str, tmp_path: Path) -> AsyncIterator[RunningAccount]:
    async with account(tmp_path / "bob", BOB, url) as running:
        await running.online()
        yield running


async def test_oneself_and_doubles_are_listed_once(
    alice: RunningAccount, bob: RunningAccount
) -> None:
    id_ = await alice.channel("ops", ALICE, BOB, BOB)
    assert sorted((await alice.follows(id_)).members) == [ALICE, BOB]


async def test_a_name_over_its_bound_is_refused(alice: RunningAccount) -> None:
    with pytest.raises(DaemonError) as caught:
        await alice.engine.channels.create("x" * (MAX_CHANNEL_NAME_CHARACTERS + 1), [])
    assert caught.value.kind == "invalid_params"
    assert await alice.read(channels.everything) == []


async def test_who_has_no_card_cannot_be_a_member(alice: RunningAccount) -> None:
    with pytest.raises(DaemonError) as caught:
        await alice.engine.channels.create("ops", ["nobody@example.org"])
    assert caught.value.kind == "unknown_identity"


async def test_who_is_added_again_takes_part_again(
    alice: RunningAccount, bob: RunningAccount
) -> None:
    id_ = await alice.channel("ops", BOB)
    await bob.follows(id_)
    await alice.engine.channels.remove(id_, [BOB])
    await alice.outgoing(await alice.send(id_, "without him"), "delivered")
    await alice.engine.channels.add(id_, [BOB])
    await bob.follows(id_, 2)
    message = await alice.send(id_, "with him")
    await bob.shows(id_, "with him")
    await alice.outgoing(message, "delivered")
    assert await bob.reasons() == []


async def test_only_one_direct_channel_is_begun(alice: RunningAccount, bob: RunningAccount) -> None:
    first = await alice.engine.channels.open_direct(BOB)
    assert await alice.engine.channels.open_direct(BOB) == first


async def test_a_member_does_not_administer(alice: RunningAccount, bob: RunningAccount) -> None:
    id_ = await alice.channel("ops", BOB)
    await bob.follows(id_)
    with pytest.raises(DaemonError) as caught:
        await bob.engine.channels.remove(id_, [ALICE])
    assert caught.value.kind == "not_an_admin"


async def test_who_has_left_cannot_leave_again(alice: RunningAccount, bob: RunningAccount) -> None:
    id_ = await alice.channel("ops", BOB)
    await alice.engine.channels.leave(id_)
    with pytest.raises(DaemonError, match="This account is no member of the channel any more") as c:
        await alice.engine.channels.leave(id_)
    assert c.value.kind == "not_a_member"
