"""channel.role, rename, topic, policy, ban, unban, and what they mean for sending."""

import pytest
from msgspec.structs import replace

from peerpost_daemon.intentions import Ruling
from peerpost_daemon.records import channels
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.roster import (
    Ban,
    Least,
    Policies,
    Rename,
    Role,
    SetRole,
    SetTopic,
    Unban,
)
from tests.daemon.methods.house import ALICE, BOB, House
from tests.support.people import NOW_MS


@pytest.mark.parametrize(
    ("verb", "params", "wanted"),
    [
        (
            "role",
            {"identity": "BOB@example.org", "role": "reader"},
            SetRole(BOB.identity, Role.READER),
        ),
        ("rename", {"name": " night "}, Rename("night")),
        ("topic", {"topic": ""}, SetTopic("")),
        ("policy", {"post": "admin"}, Ruling(post=Least.ADMIN)),
        ("policy", {"expire_after": 1.5}, Ruling(expire_ms=1_500)),
        ("policy", {"add": "member", "expire_after": 0}, Ruling(add=Least.MEMBER, expire_ms=None)),
        ("ban", {"identities": [BOB.identity]}, Ban((BOB.identity,))),
        ("unban", {"identities": [BOB.identity]}, Unban((BOB.identity,))),
    ],
)
async def test_each_method_asks_for_one_change(
    alice: House, verb: str, params: dict[str, object], wanted: object
) -> None:
    id_ = (await alice.channel(BOB)).hex()
    shown = await alice.result(f"channel.{verb}", channel="ops", **params)
    assert shown["channel"] == id_
    assert alice.plan.said == [("change", id_, repr(wanted))]


@pytest.mark.parametrize(
    ("verb", "params", "field"),
    [
        ("rename", {"name": "bob@example.org"}, "name"),
        ("rename", {"name": "o\u202eps"}, "name"),
        ("rename", {"name": "   "}, "name"),
        ("topic", {"topic": "a\nb"}, "topic"),
        ("policy", {}, "post"),
        ("policy", {"expire_after": 0.5}, "expire_after"),
        ("ban", {"identities": ["bob"]}, "identities"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_its_field(
    alice: House, verb: str, params: dict[str, object], field: str
) -> None:
    await alice.channel(BOB)
    error = await alice.error(f"channel.{verb}", channel="ops", **params)
    assert (error["kind"], error["field"]) == ("invalid_params", field)
    assert alice.plan.said == []


async def _rule(alice: House, id_: bytes, policies: Policies, *, role: Role = Role.OWNER) -> None:
    """Store another roster, as an event from the stream would."""

    def store(db: SqlConnection) -> None:
        found = channels.find(db, id_)
        assert found is not None
        me = replace(found.roster.members[ALICE.identity], role=role)
        members = {**found.roster.members, ALICE.identity: me}
        roster = replace(found.roster, policies=policies, members=members, topic="night")
        channels.set_roster(db, roster)
        channels.set_standing(db, roster, ALICE.card)

    await alice.daemon.write(store)


async def test_topic_policies_and_bans_are_shown(alice: House) -> None:
    await _rule(alice, await alice.channel(BOB), Policies(Least.ADMIN, Least.MEMBER, 1_500))
    shown = await alice.result("channel.show", channel="ops")
    assert (shown["topic"], shown["bans"]) == ("night", [])
    assert shown["policies"] == {"post": "admin", "add": "member", "expire_after": 1.5}


async def test_who_may_not_post_is_told_before_anything_is_queued(alice: House) -> None:
    await _rule(alice, await alice.channel(BOB), Policies(), role=Role.READER)
    error = await alice.error("message.send", channel="ops", text="hello")
    assert error["kind"] == "may_not_post"
    assert await alice.waiting() == []


async def test_a_message_lives_no_longer_than_the_policy_lets_it(alice: House) -> None:
    await _rule(alice, await alice.channel(BOB), Policies(expire_ms=60_000))
    for asked, lives in ((None, 60_000), (3600, 60_000), (5, 5_000)):
        given = {} if asked is None else {"expires_in": asked}
        key = f"key {asked}"
        sent = await alice.result(
            "message.send", channel="ops", text="x", idempotency_key=key, **given
        )
        again = await alice.result(
            "message.send", channel="ops", text="x", idempotency_key=key, **given
        )
        assert sent["message"] == again["message"]
        shown = await alice.result("message.show", message=sent["message"])
        assert shown["expires_at_ms"] == NOW_MS + lives
