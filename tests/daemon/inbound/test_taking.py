"""Each check of an envelope, in its order, and what stands around it."""

from typing import Any

import pytest

from peerpost_daemon.records import chains, channels, contacts
from peerpost_protocol.limits import MAX_MISSING_PER_MARK
from peerpost_protocol.wire import WireStruct
from tests.support.people import (
    NOW_MS,
    Channel,
    Person,
    added,
    channel_of,
    digest,
    person,
    removed,
)
from tests.support.receiving import Chain, Desk


class Poll(WireStruct, frozen=True, tag="poll"):
    """Be a kind of content that a later version may have."""

    question: str


class Odd(WireStruct, frozen=True, tag="\x1b[2J poll"):
    """Be what no version will have."""

    question: str


@pytest.fixture
def chain(alice: Person, bob: Person, carol: Person, ops: Channel) -> Chain:
    return Chain(alice, ops, bob, carol)


async def test_a_message_is_shown(desk: Desk, chain: Chain, ops: Channel) -> None:
    await desk.take(ops, chain.next("hello"), chain.next("again"))
    assert await desk.texts() == ["hello", "again"]
    assert await desk.reasons() == []


async def test_an_envelope_for_another_channel_is_refused(
    desk: Desk, chain: Chain, ops: Channel
) -> None:
    other = digest("another channel")
    await desk.take(ops, chain.forged("moved", channel=other), chain.next("good"))
    assert await desk.reasons() == ["wrong_channel"]
    assert await desk.texts() == ["good"]


async def test_an_older_roster_is_stale(
    desk: Desk, chain: Chain, ops: Channel, alice: Person, carol: Person
) -> None:
    later = removed(ops, alice, carol)
    await desk.take(ops, later.events[-1], chain.forged("under the old one"))
    assert await desk.reasons() == ["stale_roster"]


async def test_a_roster_that_nobody_knows_is_unknown(
    desk: Desk, chain: Chain, ops: Channel
) -> None:
    await desk.take(ops, chain.forged("odd", roster_head=digest("made up")))
    await desk.take(ops, chain.forged("early", roster_position=7))
    assert await desk.reasons() == ["unknown_roster", "unknown_roster"]


async def test_a_sender_who_is_no_member_is_refused_and_not_pinned(
    desk: Desk, ops: Channel, bob: Person
) -> None:
    eve = person("eve")
    desk.meets(eve)
    await desk.take(ops, Chain(eve, ops, bob).next("let me in"))
    assert await desk.reasons() == ["not_a_member"]
    assert await desk.read(lambda db: contacts.find(db, eve.identity)) is None


async def test_another_card_of_a_member_does_not_speak_for_it(
    desk: Desk, ops: Channel, bob: Person
) -> None:
    fake = person("alice", device="fake")
    desk.meets(fake)
    await desk.take(ops, Chain(fake, ops, bob).next("it is me"))
    assert await desk.reasons() == ["not_a_member"]
    assert await desk.events("contact.changed") == []


async def test_a_replay_is_dropped(desk: Desk, chain: Chain, ops: Channel) -> None:
    envelope = chain.next("once")
    await desk.take(ops, envelope, envelope)
    await desk.take(ops, envelope)
    assert await desk.texts() == ["once"]
    assert await desk.reasons() == ["replay", "replay"]


async def test_a_second_envelope_for_a_place_is_a_fork(
    desk: Desk, chain: Chain, ops: Channel
) -> None:
    other = chain.forged("the other side")
    await desk.take(ops, chain.next("one side"), other)
    assert await desk.texts() == ["one side"]
    assert await desk.reasons() == ["fork"]


async def test_of_a_place_with_a_second_envelope_no_receipt_speaks_any_more(
    desk: Desk, chain: Chain, ops: Channel
) -> None:
    other = chain.forged("the other side")
    await desk.take(ops, chain.next("one side"), chain.next("after it"), other)
    (mark,) = await desk.read(lambda db: chains.marks(db, ops.id))
    assert (mark.sequence, mark.missing) == (2, (1,))
    ((_, due, _),) = await desk.read(lambda db: channels.receipts_due(db, 10))
    assert due == desk.position


async def test_an_envelope_after_another_one_is_a_fork(
    desk: Desk, chain: Chain, ops: Channel
) -> None:
    await desk.take(ops, chain.next("first"), chain.forged("second", previous=digest("not it")))
    assert await desk.reasons() == ["fork"]


async def test_a_card_that_is_only_offered_is_not_shown(
    desk: Desk, ops: Channel, alice: Person, bob: Person
) -> None:
    other = person("carol", device="other")
    desk.meets(other)
    later = added(removed(ops, alice, person("carol")), alice, other)
    await desk.take(ops, *later.events[1:], Chain(other, later, bob).next("new device"))
    assert await desk.reasons() == ["untrusted_card"]
    assert [e["card"] for e in await desk.events("contact.changed")] == [other.card.id.hex()]


async def test_a_blocked_contact_is_not_shown(
    desk: Desk, chain: Chain, ops: Channel, alice: Person
) -> None:
    await desk.write(
        lambda db: db.execute(
            "UPDATE contact SET state = 'blocked' WHERE identity = ?", (alice.identity,)
        )
    )
    await desk.take(ops, chain.next("hello?"))
    assert await desk.reasons() == ["blocked"]
    assert await desk.texts() == []


async def test_an_envelope_that_is_not_wrapped_for_us_is_missing(
    desk: Desk, ops: Channel, alice: Person, bob: Person, carol: Person
) -> None:
    chain = Chain(alice, ops, carol)
    await desk.take(ops, chain.next("secret"))
    chain.receivers = (bob, carol)
    await desk.take(ops, chain.next("open"))
    assert await desk.reasons() == ["not_for_us", "gap"]
    known = await desk.read(lambda db: chains.chain(db, ops.id, alice.card.id))
    assert known is not None
    assert known.missing == (1,)


async def test_a_gap_is_told_and_what_follows_is_shown(
    desk: Desk, chain: Chain, ops: Channel, alice: Person
) -> None:
    first, *_ = chain.next("1"), chain.next("2"), chain.next("3")
    await desk.take(ops, first, chain.next("4"))
    assert await desk.texts() == ["1", "4"]
    assert await desk.reasons() == ["gap"]
    marks = await desk.read(lambda db: chains.marks(db, ops.id))
    assert [(m.sequence, m.missing) for m in marks] == [(4, (2, 3))]


async def test_what_fills_a_gap_late_is_shown_and_no_longer_missing(
    desk: Desk, chain: Chain, ops: Channel
) -> None:
    first, second, third = chain.next("1"), chain.next("2"), chain.next("3")
    await desk.take(ops, first, third, second)
    assert await desk.texts() == ["1", "3", "2"]
    assert await desk.reasons() == ["gap", "out_of_order"]
    marks = await desk.read(lambda db: chains.marks(db, ops.id))
    assert [(m.sequence, m.missing) for m in marks] == [(3, ())]


async def test_what_does_not_fit_its_gap_is_a_fork(desk: Desk, chain: Chain, ops: Channel) -> None:
    first = chain.next("1")
    forged = chain.forged("forged 2")
    chain.next("2")
    await desk.take(ops, first, chain.next("3"), forged)
    assert await desk.texts() == ["1", "3"]
    assert await desk.reasons() == ["gap", "fork"]


async def test_nothing_is_said_of_what_lies_before_a_full_list_of_missing_ones(
    desk: Desk, chain: Chain, ops: Channel
) -> None:
    for n in range(MAX_MISSING_PER_MARK + 10):
        chain.next(str(n))
    await desk.take(ops, chain.next("at last"))
    (mark,) = await desk.read(lambda db: chains.marks(db, ops.id))
    said = chains.Delivery(mark.sequence, mark.missing)
    assert len(mark.missing) == MAX_MISSING_PER_MARK
    assert [n for n in range(1, mark.sequence + 1) if said.covers(n)] == [mark.sequence]


async def test_content_of_an_unknown_kind_is_held_and_the_others_are_shown(
    desk: Desk, chain: Chain, ops: Channel
) -> None:
    poll: Any = Poll("what do you think?")
    await desk.take(ops, chain.next("poll", body=poll), chain.next("good"))
    assert await desk.reasons() == ["unsupported_content"]
    assert await desk.texts() == ["good"]
    (mark,) = await desk.read(lambda db: chains.marks(db, ops.id))
    assert (mark.sequence, mark.missing) == (2, ())
    count = await desk.read(lambda db: db.execute("SELECT count(*) FROM quarantine").fetchone())
    assert count == (1,)


async def test_content_outside_its_form_is_no_unknown_kind(
    desk: Desk, chain: Chain, ops: Channel
) -> None:
    odd: Any = Odd("what do you think?")
    await desk.take(ops, chain.next("odd", body=odd), chain.next("good"))
    assert await desk.reasons() == ["malformed", "gap"]


async def test_a_message_id_is_used_once(desk: Desk, chain: Chain, ops: Channel) -> None:
    same = digest("the same")[:16]
    await desk.take(ops, chain.next("first", message=same), chain.next("twice", message=same))
    assert await desk.texts() == ["first"]
    assert await desk.reasons() == ["message_id_reused"]


async def test_another_sender_may_have_the_same_message_id(
    desk: Desk, chain: Chain, ops: Channel, bob: Person, carol: Person
) -> None:
    same = digest("the same")[:16]
    hers = Chain(carol, ops, bob)
    await desk.take(ops, chain.next("his", message=same), hers.next("hers", message=same))
    assert await desk.texts() == ["his", "hers"]


async def test_what_has_expired_is_not_shown_and_not_missing(
    desk: Desk, chain: Chain, ops: Channel
) -> None:
    await desk.take(ops, chain.next("late", expires_at_ms=NOW_MS), chain.next("in time"))
    assert await desk.texts() == ["in time"]
    assert await desk.reasons() == []


@pytest.mark.parametrize("bad", [b"\xc1", b"junk", b"\x94" + b"\xc4\x01x" * 4])
async def test_a_bad_item_between_good_ones_hurts_only_itself(
    desk: Desk, chain: Chain, ops: Channel, bad: bytes
) -> None:
    await desk.take(ops, chain.next("before"), bad, chain.next("after"))
    assert await desk.texts() == ["before", "after"]
    assert len(await desk.reasons()) == 1


async def test_items_up_to_the_cursor_are_known_already(
    desk: Desk, chain: Chain, ops: Channel
) -> None:
    item = desk.item(chain.next("once"))
    await desk.take_items(ops, [item])
    await desk.take_items(ops, [item])
    assert await desk.texts() == ["once"]
    assert await desk.reasons() == []
    assert (await desk.channel(ops)).cursor == item.position


async def test_an_envelope_of_an_unknown_channel_is_held(desk: Desk, alice: Person) -> None:
    unknown = channel_of(alice, person("bob"), name="other")
    await desk.take(unknown, Chain(alice, unknown, person("bob")).next("hello"))
    assert await desk.reasons() == ["unknown_roster"]


async def test_a_receipt_becomes_due_for_what_is_taken(
    desk: Desk, chain: Chain, ops: Channel
) -> None:
    await desk.take(ops, chain.next("hello"))
    due = await desk.read(lambda db: channels.receipts_due(db, 10))
    assert due == [(ops.id, desk.position, 0)]


async def test_a_receipt_is_due_at_once_when_positions_went_back(
    desk: Desk, chain: Chain, ops: Channel
) -> None:
    await desk.take(ops, chain.next("hello"))
    await desk.write(lambda db: channels.rewind(db, ops.id, 0))
    ((_, due, before),) = await desk.read(lambda db: channels.receipts_due(db, 10))
    assert due == 0
    await desk.write(lambda db: channels.receipt_posted(db, ops.id, due, before))
    assert await desk.read(lambda db: channels.receipts_due(db, 10)) == []


async def test_a_receipt_is_due_again_for_what_was_released_late(
    desk: Desk, chain: Chain, ops: Channel
) -> None:
    await desk.take(ops, chain.next("hello"))
    ((_, position, before),) = await desk.read(lambda db: channels.receipts_due(db, 10))
    await desk.write(lambda db: channels.receipt_posted(db, ops.id, position, before))
    assert await desk.read(lambda db: channels.receipts_due(db, 10)) == []
    await desk.write(lambda db: channels.owe_receipt(db, ops.id, position - 1))
    ((_, due, now),) = await desk.read(lambda db: channels.receipts_due(db, 10))
    assert due == position
    await desk.write(lambda db: channels.owe_receipt(db, ops.id, position - 1))
    await desk.write(lambda db: channels.receipt_posted(db, ops.id, due, now))
    assert await desk.read(lambda db: channels.receipts_due(db, 10)) != []
