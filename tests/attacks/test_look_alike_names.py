"""Names are the members' to choose: an admin renames her channel so that ours is not found, or hers is taken for it.

What nobody sees is refused by every member. A name that another channel has makes both ambiguous, and nothing is sent;
a name that only looks alike is another name. An alias given here, an id and an identity mean what they meant before.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.records.channels import ChannelState
from peerpost_protocol.roster import Rename, Role, SetRole
from tests.attacks.roster_forgery import forged_event
from tests.attacks.scene import MALLORY, scene
from tests.daemon.methods.house import BOB, CAROL, House, house

HIDDEN = ["o\u202eps", "ops\u200b", "o\x1b[2Jps", "ops\n"]
CYRILLIC = "\u043eps"


@pytest.fixture
async def alice(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        await made.open()
        yield made


@pytest.mark.parametrize("name", HIDDEN, ids=ascii)
async def test_a_name_that_hides_something_is_refused_by_all(tmp_path: Path, name: str) -> None:
    async with scene(tmp_path) as s:
        await s.alice.engine.channels.change(s.channel, SetRole(MALLORY, Role.ADMIN))
        s.roster = await s.bob.follows(s.channel, 1)
        event = forged_event(s.mallory.keys.signing, s.mallory.card.id, s.roster, Rename(name))
        await s.relay.insert(s.channel, event)
        for reader in (s.alice, s.bob):
            assert (await reader.told("quarantine"))["reason"] == "bad_roster_event"
            assert (await reader.follows(s.channel)).name == "ops"


async def test_a_name_that_another_channel_takes_sends_nothing(alice: House) -> None:
    ours, theirs = await alice.channel(BOB), await alice.channel(CAROL)
    error = await alice.error("message.send", channel="ops", text="the password")
    assert error["kind"] == "ambiguous_channel"
    candidates = {candidate["channel"] for candidate in error["candidates"]}
    assert candidates == {ours.hex(), theirs.hex()}
    assert await alice.waiting() == []


async def test_an_alias_cannot_be_taken(alice: House) -> None:
    ours = await alice.channel(BOB, name="operations")
    await alice.result("channel.alias", channel="operations", alias="ops")
    await alice.channel(CAROL, name="ops")
    sent = await alice.result("message.send", channel="ops", text="the password")
    assert sent["channel"] == ours.hex()


async def test_what_only_looks_alike_is_another_name(alice: House) -> None:
    ours = await alice.channel(BOB)
    await alice.channel(CAROL, name=CYRILLIC)
    sent = await alice.result("message.send", channel="ops", text="the password")
    assert sent["channel"] == ours.hex()


async def test_a_request_takes_no_name(alice: House) -> None:
    ours = await alice.channel(BOB)
    await alice.channel(CAROL, state=ChannelState.REQUESTED)
    sent = await alice.result("message.send", channel="ops", text="the password")
    assert sent["channel"] == ours.hex()


async def test_a_channel_called_like_an_identity_does_not_get_its_mail(alice: House) -> None:
    await alice.channel(CAROL, name=BOB.identity)
    sent = await alice.result("message.send", to=BOB.identity, text="for bob")
    assert (sent["to"], sent["channel"]) == (BOB.identity, None)
    error = await alice.error("message.send", channel=BOB.identity, text="for bob")
    assert error["kind"] == "unknown_channel"
    direct = await alice.channel(BOB, direct=True)
    sent = await alice.result("message.send", channel=BOB.identity, text="for bob")
    assert sent["channel"] == direct.hex()


async def test_a_request_called_like_anothers_id_does_not_keep_it_from_being_declined(
    alice: House,
) -> None:
    asked = await alice.channel(BOB, state=ChannelState.REQUESTED)
    await alice.channel(CAROL, name=asked.hex(), state=ChannelState.REQUESTED)
    declined = await alice.result("channel.decline", channel=asked.hex())
    assert declined["channel"] == asked.hex()
