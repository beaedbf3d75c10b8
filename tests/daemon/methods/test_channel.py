import pytest

from peerpost_daemon.errors import DaemonError
from tests.daemon.methods.house import ALICE, BOB, CAROL, House


async def test_a_channel_is_created_without_naming_oneself(alice: House) -> None:
    members = [ALICE.identity, "BOB@example.org", BOB.identity]
    channel = await alice.result("channel.create", name=" ops ", members=members)
    assert alice.plan.said == [("create", "ops", BOB.identity), ("wake",)]
    assert (channel["name"], channel["direct"], channel["state"]) == ("ops", False, "active")
    roles = {member["identity"]: member["role"] for member in channel["members"]}
    assert roles == {ALICE.identity: "owner", BOB.identity: "member"}


async def test_a_member_is_trusted_when_its_cards_are_pinned(alice: House) -> None:
    await alice.channel(BOB, CAROL)
    await alice.met(BOB)
    channel = await alice.result("channel.show", channel="ops")
    trusted = {member["identity"]: member["trusted"] for member in channel["members"]}
    assert trusted == {ALICE.identity: True, BOB.identity: True, CAROL.identity: False}


async def test_a_channel_goes_by_id_prefix_and_name(alice: House) -> None:
    id_ = (await alice.channel(BOB)).hex()
    for reference in (id_, id_.upper(), id_[:8], id_[:11], "ops"):
        assert (await alice.result("channel.show", channel=reference))["channel"] == id_
    assert (await alice.error("channel.show", channel=id_[:7]))["kind"] == "unknown_channel"


async def test_a_direct_channel_goes_by_the_other_member(alice: House) -> None:
    id_ = await alice.channel(BOB, direct=True)
    channel = await alice.result("channel.show", channel=BOB.identity)
    assert (channel["channel"], channel["name"]) == (id_.hex(), BOB.identity)


async def test_a_name_that_two_channels_have_is_ambiguous(alice: House) -> None:
    ids = [await alice.channel(BOB), await alice.channel(CAROL)]
    error = await alice.error("channel.show", channel="ops")
    assert (error["kind"], error["field"]) == ("ambiguous_channel", "channel")
    assert sorted(each["channel"] for each in error["candidates"]) == sorted(i.hex() for i in ids)


@pytest.mark.parametrize("verb", ["add", "remove"])
async def test_members_are_changed_through_the_engine(alice: House, verb: str) -> None:
    id_ = (await alice.channel(BOB)).hex()
    await alice.result(f"channel.{verb}", channel="ops", members=[CAROL.identity])
    assert alice.plan.said == [(verb, id_, CAROL.identity)]


async def test_a_channel_is_left_through_the_engine(alice: House) -> None:
    id_ = (await alice.channel(BOB)).hex()
    await alice.result("channel.leave", channel="ops")
    assert alice.plan.said == [("leave", id_)]


async def test_the_engines_refusals_reach_the_caller(alice: House) -> None:
    await alice.channel(BOB)
    alice.plan.error = DaemonError("not_an_admin", "No.")
    error = await alice.error("channel.add", channel="ops", members=[CAROL.identity])
    assert error["kind"] == "not_an_admin"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"name": "", "members": []}, "name"),
        ({"name": " ", "members": []}, "name"),
        ({"name": "a\u202eb", "members": []}, "name"),
        ({"name": "x" * 129, "members": []}, "name"),
        ({"name": "ops", "members": ["nobody"]}, "members"),
        ({"name": "ops", "members": ["a@b.c"] * 257}, "members"),
    ],
)
async def test_a_channel_is_named_and_filled_with_care(
    alice: House, params: dict[str, object], field: str
) -> None:
    error = await alice.error("channel.create", **params)
    assert (error["kind"], error["field"]) == ("invalid_params", field)


async def test_all_channels_are_listed(alice: House) -> None:
    await alice.channel(BOB)
    await alice.channel(BOB, direct=True)
    listed = (await alice.result("channel.list"))["channels"]
    assert sorted(channel["name"] for channel in listed) == [BOB.identity, "ops"]
