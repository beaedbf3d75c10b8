"""Roster events: what continues a roster, what does not, and what follows from it."""

from pathlib import Path

from peerpost_daemon.records import contacts, messages, outbox
from peerpost_daemon.records.channels import Channel as Stored
from peerpost_daemon.records.channels import ChannelState, add_event, create
from peerpost_daemon.records.messages import Message
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.roster import Add, Leave, Member, Role
from tests.support.people import (
    NOW_MS,
    Channel,
    Person,
    added,
    changed,
    channel_of,
    digest,
    person,
    removed,
)
from tests.support.receiving import Chain, Desk, open_desk


async def test_a_channel_begins_with_its_create_event(desk: Desk, ops: Channel) -> None:
    stored = await desk.channel(ops)
    assert stored.state is ChannelState.ACTIVE
    assert stored.roster == ops.roster
    assert [e["change"] for e in await desk.events("channel")] == ["created"]


async def test_first_cards_are_pinned_in_the_authors_order(
    desk: Desk, alice: Person, carol: Person
) -> None:
    pinned = await desk.read(lambda db: contacts.usable(db, carol.identity))
    assert [card.id for card in pinned] == [carol.card.id]
    assert await desk.events("contact.changed") == []


async def test_a_listed_card_of_another_identity_is_not_pinned(
    desk: Desk, ops: Channel, alice: Person
) -> None:
    chief = person("chief")
    desk.meets(chief)
    wrong = Member("dave@example.org", Role.MEMBER, (chief.card.id,))
    await desk.take(ops, changed(ops, alice, Add((wrong,))).events[-1])
    assert await desk.read(lambda db: contacts.find(db, chief.identity)) is None


async def test_a_hidden_event_is_told_and_taken_from_the_log(
    desk: Desk, ops: Channel, alice: Person, carol: Person
) -> None:
    once = added(ops, alice, person("dave"))
    twice = removed(once, alice, carol)
    desk.logs[ops.id] = twice.events
    await desk.take(ops, twice.events[-1])
    assert await desk.reasons() == ["bad_roster_event"]
    assert (await desk.channel(ops)).roster == twice.roster


async def test_a_ghost_cannot_be_added_by_who_is_no_member(desk: Desk, ops: Channel) -> None:
    eve = person("eve")
    desk.meets(eve)
    theirs = channel_of(eve, person("bob"), person("carol"), name="eve's")
    ghost = added(theirs, eve, person("ghost"))
    await desk.take(ops, ghost.events[-1])
    assert await desk.reasons() == ["bad_roster_event"]
    assert (await desk.channel(ops)).roster == ops.roster


async def test_a_conflicting_event_is_refused(desk: Desk, ops: Channel, alice: Person) -> None:
    one, other = added(ops, alice, person("dave")), added(ops, alice, person("erin"))
    await desk.take(ops, one.events[-1], other.events[-1])
    assert await desk.reasons() == ["bad_roster_event"]
    assert (await desk.channel(ops)).roster == one.roster


async def test_the_stream_confirms_a_pending_channel(desk: Desk, bob: Person) -> None:
    mine = channel_of(bob, person("alice"), name="mine")

    def pend(db: SqlConnection) -> None:
        pending = Stored(
            mine.id, None, ChannelState.PENDING, mine.roster, NOW_MS,
            joined_late=False, cursor=0, own=None, sent=None,
        )  # fmt: skip
        create(db, pending)
        add_event(db, mine.events[0])

    await desk.write(pend)
    await desk.take(mine, *mine.events)
    assert await desk.state(mine) is ChannelState.ACTIVE
    assert await desk.reasons() == []


async def test_a_removed_member_is_told_and_its_messages_fail(
    desk: Desk, ops: Channel, alice: Person, bob: Person
) -> None:
    message = await queue(desk, ops)
    await desk.take(ops, removed(ops, alice, bob).events[-1])
    assert await desk.state(ops) is ChannelState.REMOVED
    row = await desk.read(lambda db: outbox.find(db, message))
    assert row is not None
    assert (row.state.value, row.reason) == ("failed", "not_a_member")


async def test_who_leaves_has_left(desk: Desk, ops: Channel, bob: Person) -> None:
    await desk.take(ops, changed(ops, bob, Leave()).events[-1])
    assert await desk.state(ops) is ChannelState.LEFT


async def test_who_is_added_later_begins_with_the_log(
    tmp_path: Path, alice: Person, bob: Person, ops: Channel
) -> None:
    dave = person("dave")
    desk = await open_desk(tmp_path, dave, alice, bob, person("carol"))
    late = added(removed(ops, alice, person("carol")), alice, dave)
    desk.logs[ops.id] = late.events[:-1]
    chain = Chain(alice, late, dave)
    chain.sequence, chain.previous = 7, digest("before")
    await desk.take(late, late.events[-1], chain.next("welcome"))
    assert await desk.texts() == ["welcome"]
    assert await desk.reasons() == []
    assert (await desk.channel(ops)).roster == late.roster
    await desk.database.close()


async def test_a_log_that_is_cut_short_begins_nothing(
    tmp_path: Path, alice: Person, bob: Person, ops: Channel
) -> None:
    dave = person("dave")
    desk = await open_desk(tmp_path, dave, alice, bob)
    late = added(removed(ops, alice, person("carol")), alice, dave)
    desk.logs[ops.id] = late.events[:1]
    await desk.take(late, late.events[-1])
    assert await desk.reasons() == ["bad_roster_event"]
    await desk.database.close()


async def test_who_is_added_again_reads_what_happened_meanwhile(
    desk: Desk, ops: Channel, alice: Person, bob: Person
) -> None:
    chain = Chain(alice, ops, bob)
    await desk.take(ops, chain.next("before"))
    gone = removed(ops, alice, bob)
    back = added(added(gone, alice, person("dave")), alice, bob)
    desk.logs[ops.id] = back.events
    chain.channel = back
    chain.sequence, chain.previous = 9, digest("meanwhile")
    await desk.take(ops, gone.events[-1], back.events[-1], chain.next("after"))
    assert await desk.texts() == ["before", "after"]
    assert await desk.reasons() == []
    assert await desk.state(ops) is ChannelState.ACTIVE


async def queue(desk: Desk, channel: Channel, *, recipient: str | None = None) -> bytes:
    """Put a message of our own into the outbox; return its id."""
    id_ = digest("queued")[:16]
    said = Message(
        id_, channel.id, desk.me.card.id, desk.me.identity, mine=True, sequence=None,
        position=None, media_type=None, body=b"hi", reply_to=None, sent_at_ms=NOW_MS,
        received_at_ms=None, expires_at_ms=None,
    )  # fmt: skip

    def store(db: SqlConnection) -> None:
        cursor = messages.add(db, said)
        assert cursor is not None
        outbox.add(db, said, cursor, recipient, None)

    await desk.write(store)
    return id_
