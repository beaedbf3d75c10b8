"""Rosters: every check refused by its own test, then random histories against a dumb oracle."""

import msgspec
import pytest

from peerpost_protocol import limits
from peerpost_protocol.errors import MalformedError, RosterError, SignatureError
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.roster import (
    Add,
    Change,
    Create,
    Leave,
    Member,
    Remove,
    Role,
    Roster,
    RosterEvent,
    RosterEventBody,
    apply_event,
    parse_event,
    sign_event,
    verify_event,
)
from peerpost_protocol.signing import CARD_TYPE, ROSTER_EVENT_TYPE, Signed
from peerpost_protocol.wire import encode
from tests.support.people import (
    NOW_MS,
    Person,
    added,
    changed,
    channel_of,
    digest,
    member,
    person,
    removed,
)

ALICE, BOB, CAROL, DAVE = person("alice"), person("bob"), person("carol"), person("dave")
TRIO = channel_of(ALICE, BOB, CAROL)
DIRECT = channel_of(ALICE, BOB, direct=True)


def event_by(author: Person, roster: Roster | None, change: Change, **parts: object) -> RosterEvent:
    """Return a signed event that need not fit: `parts` replaces what an honest author writes."""
    body = RosterEventBody(
        roster.channel if roster else None,
        roster.position + 1 if roster else 0,
        roster.head if roster else None,
        author.card.id,
        NOW_MS,
        change,
    )
    body = msgspec.structs.replace(body, **parts)
    signed = author.keys.signing.sign(ROSTER_EVENT_TYPE, encode(body))
    return verify_event(parse_event(signed), author.card)


def create(*members: Member, direct: bool = False) -> Create:
    return Create("ops", direct, members, digest("nonce"))


def refused(roster: Roster | None, event: RosterEvent) -> str:
    with pytest.raises(RosterError) as caught:
        apply_event(roster, event)
    assert Refusal(caught.value.kind)
    return caught.value.kind


# --- what is allowed


def test_a_channel_is_named_by_its_first_event() -> None:
    (event,) = TRIO.events
    assert TRIO.id == event.id == event.channel
    assert set(TRIO.roster.members) == {who.identity for who in (ALICE, BOB, CAROL)}


def test_the_owner_adds_and_removes() -> None:
    with_dave = added(TRIO, ALICE, DAVE)
    assert with_dave.roster.speaks_for(DAVE.card) == member(DAVE)
    assert with_dave.roster.position == 1
    assert removed(with_dave, ALICE, BOB).roster.speaks_for(BOB.card) is None


def test_an_admin_adds_and_removes_another_admin() -> None:
    change = Add((member(DAVE, Role.ADMIN), member(person("erin"), Role.ADMIN)))
    channel = removed(changed(TRIO, ALICE, change), DAVE, person("erin"))
    assert channel.roster.members[DAVE.identity].role is Role.ADMIN


def test_every_member_may_leave() -> None:
    assert set(changed(TRIO, BOB, Leave()).roster.members) == {ALICE.identity, CAROL.identity}


def test_one_who_was_removed_may_be_added_again() -> None:
    again = added(removed(TRIO, ALICE, BOB), ALICE, BOB)
    assert again.roster.speaks_for(BOB.card) is not None


def test_a_card_that_is_not_listed_speaks_for_nobody() -> None:
    assert TRIO.roster.speaks_for(person("bob", device="phone").card) is None


def test_events_replay_to_the_same_roster() -> None:
    channel = removed(added(TRIO, ALICE, DAVE), ALICE, BOB)
    roster = None
    for event in channel.events:
        author = next(p for p in (ALICE, BOB) if p.card.id == event.body.author)
        roster = apply_event(roster, verify_event(parse_event(event.signed), author.card))
    assert roster == channel.roster


# --- the signature


def test_an_event_under_another_author_is_refused() -> None:
    with pytest.raises(SignatureError) as caught:
        verify_event(parse_event(TRIO.events[0].signed), BOB.card)
    assert caught.value.kind == "wrong_card"


def test_an_event_signed_by_another_key_is_refused() -> None:
    payload = TRIO.events[0].signed.payload
    with pytest.raises(SignatureError):
        verify_event(parse_event(BOB.keys.signing.sign(ROSTER_EVENT_TYPE, payload)), ALICE.card)


def test_an_event_signed_for_another_purpose_is_refused() -> None:
    payload = TRIO.events[0].signed.payload
    with pytest.raises(SignatureError):
        verify_event(parse_event(ALICE.keys.signing.sign(CARD_TYPE, payload)), ALICE.card)


def test_a_ghost_written_into_a_signed_event_is_refused() -> None:
    event = TRIO.events[0]
    assert isinstance(event.body.change, Create)
    members = (*event.body.change.members, member(DAVE))
    change = msgspec.structs.replace(event.body.change, members=members)
    payload = encode(msgspec.structs.replace(event.body, change=change))
    with pytest.raises(SignatureError):
        verify_event(parse_event(Signed(payload, event.signed.signature)), ALICE.card)


# --- check 1


def test_1_a_channel_does_not_begin_with_another_event() -> None:
    assert refused(None, event_by(ALICE, TRIO.roster, Leave())) == "unknown_channel"


def test_1_a_channel_is_not_created_twice() -> None:
    assert refused(TRIO.roster, TRIO.events[0]) == "roster_conflict"


# --- check 2


@pytest.mark.parametrize(
    "part", [{"channel": digest("x")}, {"position": 1}, {"previous": digest("x")}], ids=str
)
def test_2_a_first_event_continues_nothing(part: dict[str, object]) -> None:
    event = event_by(ALICE, None, create(member(ALICE, Role.OWNER)), **part)
    assert refused(None, event) == "roster_conflict"


@pytest.mark.parametrize(
    "part",
    [
        {"channel": digest("another channel")},
        {"channel": None},
        {"position": 0},
        {"position": 2},
        {"previous": digest("another head")},
        {"previous": None},
    ],
    ids=str,
)
def test_2_an_event_continues_its_own_roster(part: dict[str, object]) -> None:
    event = event_by(ALICE, TRIO.roster, Add((member(DAVE),)), **part)
    assert refused(TRIO.roster, event) == "roster_conflict"


def test_2_an_event_is_not_replayed() -> None:
    channel = added(TRIO, ALICE, DAVE)
    assert refused(channel.roster, channel.events[-1]) == "roster_conflict"


def test_2_a_hidden_removal_breaks_the_chain() -> None:
    channel = added(removed(TRIO, ALICE, BOB), ALICE, DAVE)
    assert refused(TRIO.roster, channel.events[-1]) == "roster_conflict"


# --- check 3


def test_3_a_stranger_changes_nothing() -> None:
    event = event_by(DAVE, TRIO.roster, Add((member(DAVE, Role.ADMIN),)))
    assert refused(TRIO.roster, event) == "not_a_member"


def test_3_a_card_that_the_roster_does_not_list_changes_nothing() -> None:
    swapped = person("alice", device="swapped by the relay")
    event = event_by(swapped, TRIO.roster, Remove((BOB.identity,)))
    assert refused(TRIO.roster, event) == "not_a_member"


def test_3_one_who_was_removed_changes_nothing() -> None:
    roster = removed(TRIO, ALICE, BOB).roster
    assert refused(roster, event_by(BOB, roster, Leave())) == "not_a_member"


def test_3_a_creator_is_a_member_by_the_card_that_signs() -> None:
    event = event_by(ALICE, None, create(member(BOB, Role.OWNER)))
    assert refused(None, event) == "not_a_member"
    phone = person("alice", device="phone")
    event = event_by(ALICE, None, create(member(phone, Role.OWNER)))
    assert refused(None, event) == "not_a_member"


# --- check 4


@pytest.mark.parametrize("change", [Add((member(DAVE),)), Remove((CAROL.identity,))], ids=str)
def test_4_a_plain_member_does_not_administer(change: Change) -> None:
    assert refused(TRIO.roster, event_by(BOB, TRIO.roster, change)) == "not_an_admin"


def test_4_nobody_adds_a_second_owner() -> None:
    event = event_by(ALICE, TRIO.roster, Add((member(DAVE, Role.OWNER),)))
    assert refused(TRIO.roster, event) == "not_an_admin"


def test_4_an_admin_does_not_remove_the_owner() -> None:
    roster = changed(TRIO, ALICE, Add((member(DAVE, Role.ADMIN),))).roster
    event = event_by(DAVE, roster, Remove((ALICE.identity,)))
    assert refused(roster, event) == "not_an_admin"


@pytest.mark.parametrize(
    "members",
    [
        (member(ALICE), member(BOB)),
        (member(ALICE, Role.ADMIN), member(BOB)),
        (member(ALICE, Role.OWNER), member(BOB, Role.OWNER)),
        (member(ALICE), member(BOB, Role.OWNER)),
    ],
    ids=["nobody", "admin", "two", "another"],
)
def test_4_the_creator_is_the_one_owner(members: tuple[Member, ...]) -> None:
    assert refused(None, event_by(ALICE, None, create(*members))) == "not_an_admin"


# --- check 5


@pytest.mark.parametrize(
    "change",
    [
        Add((member(BOB),)),
        Add((member(DAVE), member(DAVE))),
        Add((Member(DAVE.identity, Role.MEMBER, (DAVE.card.id, DAVE.card.id)),)),
        Remove((DAVE.identity,)),
        Remove((BOB.identity, BOB.identity)),
    ],
    ids=["present", "twice", "card twice", "absent", "removed twice"],
)
def test_5_a_change_that_means_nothing_is_refused(change: Change) -> None:
    assert refused(TRIO.roster, event_by(ALICE, TRIO.roster, change)) == "bad_change"


def test_5_an_identity_stands_once_in_a_new_channel() -> None:
    change = create(member(ALICE, Role.OWNER), member(BOB), member(BOB))
    assert refused(None, event_by(ALICE, None, change)) == "bad_change"


@pytest.mark.parametrize("others", [(), (BOB, CAROL)], ids=["one", "three"])
def test_5_a_direct_channel_has_two_members(others: tuple[Person, ...]) -> None:
    change = create(member(ALICE, Role.OWNER), *map(member, others), direct=True)
    assert refused(None, event_by(ALICE, None, change)) == "bad_change"


@pytest.mark.parametrize(
    "change",
    [Add((member(CAROL),)), Remove((BOB.identity,)), Leave()],
    ids=["add", "remove", "leave"],
)
def test_5_a_direct_channel_keeps_its_two_members(change: Change) -> None:
    assert refused(DIRECT.roster, event_by(ALICE, DIRECT.roster, change)) == "bad_change"


# --- check 6


def crowd(count: int, cards: int) -> tuple[Member, ...]:
    return tuple(
        Member(f"m{n}@x", Role.MEMBER, tuple(digest(f"{n} {card}") for card in range(cards)))
        for n in range(count)
    )


def test_6_a_channel_holds_as_many_cards_as_an_envelope_has_wraps() -> None:
    channel = changed(channel_of(ALICE), ALICE, Add(crowd(15, 16)))
    channel = changed(channel, ALICE, Add((Member("last@x", Role.MEMBER, crowd(1, 15)[0].cards),)))
    assert len(channel.roster.members) == 17
    one_more = event_by(ALICE, channel.roster, Add((member(DAVE),)))
    assert refused(channel.roster, one_more) == "too_many_members"


def test_6_a_channel_has_no_more_members_than_its_bound() -> None:
    channel = changed(channel_of(ALICE), ALICE, Add(crowd(limits.MAX_MEMBERS - 1, 1)))
    event = event_by(ALICE, channel.roster, Add((member(DAVE),)))
    assert refused(channel.roster, event) == "too_many_members"


def test_6_a_new_channel_is_bounded_too() -> None:
    change = create(member(ALICE, Role.OWNER), *crowd(16, 16))
    assert refused(None, event_by(ALICE, None, change)) == "too_many_members"


# --- the form


def test_an_author_is_not_given_an_event_that_would_be_refused() -> None:
    with pytest.raises(RosterError):
        sign_event(BOB.keys.signing, BOB.card, TRIO.roster, Add((member(DAVE),)), NOW_MS)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channel", bytes(31)),
        ("position", -1),
        ("previous", b""),
        ("author", bytes(33)),
        ("at_ms", 2**53),
        ("change", Add(())),
        ("change", Remove(())),
        ("change", Remove(("Bob@example.org",))),
        ("change", Add((Member("bob@x", Role.MEMBER, ()),))),
        ("change", Add(crowd(1, limits.MAX_CARDS_PER_MEMBER + 1))),
        ("change", Create("x" * 129, direct=False, members=crowd(1, 1), nonce=bytes(32))),
        ("change", Create("x", direct=False, members=crowd(1, 1), nonce=bytes(31))),
    ],
)
def test_a_field_outside_its_form_is_refused_by_name(field: str, value: object) -> None:
    body = msgspec.structs.replace(TRIO.events[0].body, **{field: value})
    with pytest.raises(MalformedError) as caught:
        parse_event(ALICE.keys.signing.sign(ROSTER_EVENT_TYPE, encode(body)))
    assert str(caught.value.field).startswith(f"roster_event.{field}")
