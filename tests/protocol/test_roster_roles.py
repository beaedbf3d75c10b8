"""Roles, names, topics, policies and bans: what is allowed, and every refusal by its own test."""

import pytest

from peerpost_protocol import limits
from peerpost_protocol.errors import MalformedError, RosterError
from peerpost_protocol.roster import (
    Add,
    Ban,
    Change,
    Least,
    Leave,
    Policies,
    Remove,
    Rename,
    Role,
    Roster,
    SetPolicies,
    SetRole,
    SetTopic,
    Unban,
    apply_event,
)
from tests.protocol.test_roster import create, event_by, refused
from tests.support.people import Channel, Person, changed, channel_of, member, person

ALICE, BOB, CAROL, DAVE = person("alice"), person("bob"), person("carol"), person("dave")
TRIO = channel_of(ALICE, BOB, CAROL)
DIRECT = channel_of(ALICE, BOB, direct=True)
MEMBERS_ADD = SetPolicies(Policies(add=Least.MEMBER))


def with_role(who: Person, role: Role, channel: Channel = TRIO) -> Channel:
    return changed(channel, ALICE, SetRole(who.identity, role))


def refusal(channel: Channel, author: Person, change: Change) -> str:
    return refused(channel.roster, event_by(author, channel.roster, change))


def role(roster: Roster, who: Person) -> Role:
    return roster.members[who.identity].role


# --- what is allowed


def test_an_admin_gives_every_role_but_the_owners() -> None:
    channel = with_role(BOB, Role.ADMIN)
    for given in (Role.ADMIN, Role.READER, Role.MEMBER):
        channel = changed(channel, BOB, SetRole(CAROL.identity, given))
        assert role(channel.roster, CAROL) is given


def test_an_admin_may_step_down() -> None:
    channel = changed(with_role(BOB, Role.ADMIN), BOB, SetRole(BOB.identity, Role.MEMBER))
    assert refusal(channel, BOB, Rename("mine")) == "not_an_admin"


def test_the_owner_gives_the_ownership_away_and_is_an_admin_then() -> None:
    roster = with_role(BOB, Role.OWNER).roster
    assert (role(roster, ALICE), role(roster, BOB)) == (Role.ADMIN, Role.OWNER)


def test_name_topic_and_policies_are_those_set_last() -> None:
    policies = Policies(Least.ADMIN, Least.MEMBER, 60_000)
    channel = changed(TRIO, ALICE, Rename("operations"))
    channel = changed(channel, ALICE, SetTopic("what runs at night"))
    roster = changed(channel, ALICE, SetPolicies(policies)).roster
    assert (roster.name, roster.topic, roster.policies) == (
        "operations",
        "what runs at night",
        policies,
    )


def test_a_reader_reads_and_leaves_and_nothing_else() -> None:
    channel = with_role(BOB, Role.READER)
    assert not channel.roster.may_post(channel.roster.members[BOB.identity])
    assert refusal(channel, BOB, Add((member(DAVE),))) == "not_an_admin"
    assert BOB.identity not in changed(channel, BOB, Leave()).roster.members


def test_the_policy_says_who_may_post() -> None:
    roster = changed(TRIO, ALICE, SetPolicies(Policies(post=Least.ADMIN))).roster
    may = {who for who, each in roster.members.items() if roster.may_post(each)}
    assert may == {ALICE.identity}


def test_the_policy_lets_members_add_members_and_readers() -> None:
    channel = changed(TRIO, ALICE, MEMBERS_ADD)
    channel = changed(channel, BOB, Add((member(DAVE, Role.READER), member(person("erin")))))
    assert role(channel.roster, DAVE) is Role.READER
    assert refusal(channel, DAVE, Add((member(person("frank")),))) == "not_an_admin"


def test_one_who_is_banned_comes_back_after_the_ban_alone() -> None:
    channel = changed(TRIO, ALICE, Ban((BOB.identity, DAVE.identity)))
    assert (list(channel.roster.members), channel.roster.bans) == (
        [ALICE.identity, CAROL.identity],
        (BOB.identity, DAVE.identity),
    )
    assert refusal(channel, ALICE, Add((member(BOB),))) == "banned"
    lifted = changed(channel, ALICE, Unban((BOB.identity,)))
    assert BOB.identity not in lifted.roster.members
    back = changed(lifted, ALICE, Add((member(BOB),)))
    assert back.roster.bans == (DAVE.identity,)
    assert back.roster.speaks_for(BOB.card) is not None


# --- check 4


ADMINISTERED: list[Change] = [
    SetRole(BOB.identity, Role.ADMIN),
    SetRole(CAROL.identity, Role.READER),
    Rename("bob's"),
    SetTopic("bob's"),
    MEMBERS_ADD,
    Ban((CAROL.identity,)),
    Unban((DAVE.identity,)),
    Remove((CAROL.identity,)),
]


@pytest.mark.parametrize("change", ADMINISTERED, ids=lambda change: type(change).__name__)
@pytest.mark.parametrize("given", [Role.MEMBER, Role.READER])
def test_4_a_member_administers_nothing_not_even_its_own_role(change: Change, given: Role) -> None:
    channel = TRIO if given is Role.MEMBER else with_role(BOB, given)
    assert refusal(channel, BOB, change) == "not_an_admin"


@pytest.mark.parametrize(
    "change",
    [
        SetRole(BOB.identity, Role.OWNER),
        SetRole(ALICE.identity, Role.MEMBER),
        SetRole(CAROL.identity, Role.OWNER),
        Remove((ALICE.identity,)),
        Ban((ALICE.identity,)),
    ],
    ids=["crowns itself", "lowers the owner", "crowns", "removes the owner", "bans the owner"],
)
def test_4_an_admin_does_not_touch_the_ownership(change: Change) -> None:
    assert refusal(with_role(BOB, Role.ADMIN), BOB, change) == "not_an_admin"


def test_4_without_an_owner_nobody_becomes_one() -> None:
    channel = changed(with_role(BOB, Role.ADMIN), ALICE, Leave())
    assert refusal(channel, BOB, SetRole(BOB.identity, Role.OWNER)) == "not_an_admin"


@pytest.mark.parametrize("given", [Role.ADMIN, Role.OWNER])
def test_4_a_member_adds_nobody_above_itself(given: Role) -> None:
    channel = changed(TRIO, ALICE, MEMBERS_ADD)
    assert refusal(channel, BOB, Add((member(DAVE, given),))) == "not_an_admin"


# --- check 5


@pytest.mark.parametrize(
    "change",
    [
        SetRole(BOB.identity, Role.MEMBER),
        SetRole(DAVE.identity, Role.MEMBER),
        SetRole(ALICE.identity, Role.ADMIN),
        Rename("ops"),
        SetTopic(""),
        SetPolicies(Policies()),
        Ban((ALICE.identity,)),
        Ban((DAVE.identity, DAVE.identity)),
        Unban((DAVE.identity,)),
    ],
    ids=str,
)
def test_5_what_changes_nothing_is_refused(change: Change) -> None:
    assert refusal(TRIO, ALICE, change) == "bad_change"


@pytest.mark.parametrize(
    "change",
    [
        SetRole(BOB.identity, Role.ADMIN),
        Rename("us"),
        SetTopic("us"),
        MEMBERS_ADD,
        Ban((BOB.identity,)),
    ],
    ids=lambda change: type(change).__name__,
)
def test_5_a_direct_channel_stays_as_it_is(change: Change) -> None:
    assert refusal(DIRECT, ALICE, change) == "bad_change"


def test_5_both_of_a_direct_channel_post() -> None:
    change = create(member(ALICE, Role.OWNER), member(BOB, Role.READER), direct=True)
    assert refused(None, event_by(ALICE, None, change)) == "bad_change"


HIDDEN = [
    "o\x1b[2Jps",
    "ops\n",
    "o\u202eps",
    "ops\u200b",
    "\ufeffops",
    "ops ",
    "o\u2066ps",
    "ops\U000e0041",
]


@pytest.mark.parametrize("name", HIDDEN, ids=ascii)
def test_5_a_name_or_topic_shows_what_it_is(name: str) -> None:
    assert refusal(TRIO, ALICE, Rename(name)) == "bad_change"
    assert refusal(TRIO, ALICE, SetTopic(name)) == "bad_change"
    change = create(member(ALICE, Role.OWNER))
    change = type(change)(name, direct=False, members=change.members, nonce=change.nonce)
    assert refused(None, event_by(ALICE, None, change)) == "bad_change"


# --- check 6


def test_6_bans_are_bounded() -> None:
    channel = changed(TRIO, ALICE, Ban(tuple(f"m{n}@x" for n in range(limits.MAX_BANS))))
    assert refusal(channel, ALICE, Ban((DAVE.identity,))) == "too_many_members"


# --- the form


@pytest.mark.parametrize(
    "change",
    [
        Rename(""),
        Rename("x" * (limits.MAX_CHANNEL_NAME_CHARACTERS + 1)),
        SetTopic("x" * (limits.MAX_CHANNEL_TOPIC_CHARACTERS + 1)),
        SetPolicies(Policies(expire_ms=limits.MIN_EXPIRE_MS - 1)),
        SetPolicies(Policies(expire_ms=limits.MAX_EXPIRE_MS + 1)),
        Ban(()),
    ],
    ids=lambda change: type(change).__name__,
)
def test_what_is_outside_its_bound_is_malformed(change: Change) -> None:
    with pytest.raises(MalformedError):
        event_by(ALICE, TRIO.roster, change)


def test_a_refused_change_changes_nothing() -> None:
    before = TRIO.roster
    with pytest.raises(RosterError):
        apply_event(before, event_by(BOB, before, Ban((CAROL.identity,))))
    assert channel_of(ALICE, BOB, CAROL).roster == before
