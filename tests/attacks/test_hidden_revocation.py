"""The relay hides a revocation from bob: no notice, and a shorter history when he asks.

The next envelope of somebody who knows it says so in its signed header. Bob must be alarmed; and once the relay shows
it, nothing more is sealed to the revoked card.
"""

from pathlib import Path

import pytest

from peerpost_protocol.envelope import Checkpoint
from peerpost_protocol.statement import Endorse, Reason, Revoke
from tests.attacks.history_scene import ALICE, BOB, CAROL, PHONE, Scene, history_scene
from tests.support.people import digest
from tests.support.receiving import Chain


async def _phone_is_lost(s: Scene) -> None:
    s.keeper.state(ALICE, PHONE, Endorse())
    await s.histories.refresh([ALICE.identity])
    assert PHONE.card.id in await s.usable()
    s.keeper.state(ALICE, PHONE, Revoke(Reason.LOST))


async def test_a_hidden_revocation_is_noticed_with_the_next_message(tmp_path: Path) -> None:
    async with history_scene(tmp_path) as s:
        await _phone_is_lost(s)
        s.keeper.hide(ALICE.identity)
        await s.hears(Chain(CAROL, s.channel, BOB), "hello", s.checkpoint())
        assert await s.alarms() == ["history_withheld"]
        assert await s.desk.texts() == ["hello"]


async def test_what_the_relay_only_forgot_to_say_is_read_without_an_alarm(tmp_path: Path) -> None:
    async with history_scene(tmp_path) as s:
        await _phone_is_lost(s)
        await s.hears(Chain(CAROL, s.channel, BOB), "hello", s.checkpoint())
        assert await s.alarms() == []
        assert await s.usable() == [ALICE.card.id]


async def test_what_a_lost_device_says_then_is_not_shown(tmp_path: Path) -> None:
    async with history_scene(tmp_path) as s:
        await _phone_is_lost(s)
        await s.histories.refresh([ALICE.identity])
        await s.desk.take(s.channel, Chain(PHONE, s.channel, BOB).next("it is me"))
        assert await s.desk.texts() == []
        assert await s.desk.reasons() == ["revoked_card"]


async def test_a_history_that_gets_shorter_is_an_alarm_and_takes_nothing_back(
    tmp_path: Path,
) -> None:
    async with history_scene(tmp_path) as s:
        await _phone_is_lost(s)
        await s.histories.refresh([ALICE.identity])
        s.keeper.hide(ALICE.identity)
        await s.histories.refresh([ALICE.identity])
        assert await s.alarms() == ["history_withheld"]
        assert await s.usable() == [ALICE.card.id]


@pytest.mark.parametrize("size", [3, 9])
async def test_a_member_who_lies_about_it_is_heard_once(tmp_path: Path, size: int) -> None:
    async with history_scene(tmp_path) as s:
        chain = Chain(CAROL, s.channel, BOB)
        for n in range(3):
            await s.hears(chain, str(n), Checkpoint(size, digest("made up")))
        asked = len(s.keeper.asked)
        await s.hears(chain, "once more", Checkpoint(size, digest("made up")))
        assert len(s.keeper.asked) == asked
        assert await s.alarms() == ["history_withheld"]
