"""Two admins change one channel at the same time: one wins, the other is told or tries again, and both end alike."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.intentions import Intention, Ruling
from peerpost_daemon.link.requests import AnswerFrame, RequestFrame
from peerpost_protocol.frames import SubmitRosterEvent
from peerpost_protocol.roster import Ban, Least, Policies, Remove, Rename, Role, SetRole, SetTopic
from tests.support.accounts import RunningAccount, account
from tests.support.relay_server import running_relay

ALICE, BOB, CAROL, DAVE = (f"{name}@example.org" for name in ("alice", "bob", "carol", "dave"))


class Beaten:
    """Be a relay at which somebody else is always first, as often as told."""

    def __init__(self, account: RunningAccount, *others: Callable[[], Awaitable[None]]) -> None:
        self._relay = account.engine.channels._relay
        self._others = list(others)
        account.engine.channels._relay = self

    async def request(self, frame: RequestFrame) -> AnswerFrame:
        if self._others and isinstance(frame, SubmitRosterEvent):
            await self._others.pop(0)()
        return await self._relay.request(frame)


class Admins:
    """Be a channel whose owner alice and admin bob change it."""

    def __init__(self, alice: RunningAccount, bob: RunningAccount, channel: bytes) -> None:
        self.alice, self.bob, self.id = alice, bob, channel

    async def at_once(self, first: Intention, second: Intention) -> None:
        """Let bob's change be signed before alice's, and come after it."""

        async def before() -> None:
            await self.alice.engine.channels.change(self.id, first)

        Beaten(self.bob, before)
        await self.bob.engine.channels.change(self.id, second)

    async def agree(self, position: int) -> None:
        one = await self.alice.follows(self.id, position)
        assert one == await self.bob.follows(self.id, position)
        assert one.position == position


@pytest.fixture
async def admins(tmp_path: Path) -> AsyncIterator[Admins]:
    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / "alice", ALICE, relay.url) as alice,
        account(tmp_path / "bob", BOB, relay.url) as bob,
        account(tmp_path / "carol", CAROL, relay.url) as carol,
    ):
        for each in (alice, bob, carol):
            await each.online()
        id_ = await alice.channel("ops", BOB, CAROL)
        await alice.engine.channels.change(id_, SetRole(BOB, Role.ADMIN))
        await bob.follows(id_, 1)
        yield Admins(alice, bob, id_)


async def test_two_names_at_once_are_not_written_over_each_other(admins: Admins) -> None:
    with pytest.raises(DaemonError) as caught:
        await admins.at_once(Rename("alice's"), Rename("bob's"))
    assert (caught.value.kind, caught.value.extra) == ("channel_changed", {"roster_position": 2})
    await admins.agree(2)
    assert (await admins.bob.follows(admins.id)).name == "alice's"
    await admins.bob.engine.channels.change(
        admins.id, Rename("bob's")
    )  # he looked, and wants it still
    await admins.agree(3)


async def test_changes_of_different_things_both_come_to_pass(admins: Admins) -> None:
    await admins.at_once(Rename("night"), SetTopic("what runs at night"))
    await admins.agree(3)
    roster = await admins.bob.follows(admins.id)
    assert (roster.name, roster.topic) == ("night", "what runs at night")


async def test_who_has_been_removed_already_need_not_be_removed_again(admins: Admins) -> None:
    await admins.at_once(Remove((CAROL,)), Remove((CAROL,)))
    await admins.agree(2)


async def test_what_has_become_impossible_is_told(admins: Admins) -> None:
    with pytest.raises(DaemonError) as caught:
        await admins.at_once(SetRole(BOB, Role.MEMBER), Ban((CAROL,)))
    assert caught.value.kind == "not_an_admin"
    await admins.agree(2)


async def test_policies_of_two_hands_stand_beside_each_other(admins: Admins) -> None:
    await admins.at_once(Ruling(post=Least.ADMIN), Ruling(expire_ms=60_000))
    await admins.agree(3)
    policies = (await admins.bob.follows(admins.id)).policies
    assert policies == Policies(Least.ADMIN, Least.ADMIN, 60_000)


async def test_one_policy_of_two_minds_is_told(admins: Admins) -> None:
    with pytest.raises(DaemonError) as caught:
        await admins.at_once(Ruling(expire_ms=60_000), Ruling(expire_ms=5_000))
    assert caught.value.kind == "channel_changed"


async def test_who_always_comes_too_late_is_told_to_try_again(admins: Admins) -> None:
    async def topic(text: str) -> None:
        await admins.alice.engine.channels.change(admins.id, SetTopic(text))

    Beaten(admins.bob, *(lambda text=text: topic(text) for text in ("one", "two", "three")))
    with pytest.raises(DaemonError) as caught:
        await admins.bob.engine.channels.change(admins.id, Rename("late"))
    assert (caught.value.kind, caught.value.retry_after) == ("relay_refused", 1.0)
    await admins.agree(4)
