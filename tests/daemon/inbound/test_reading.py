"""Bob's messages are read when everybody says so, and nobody can say it for another."""

from typing import Any

import msgspec
import pytest

from peerpost_daemon.records import (
    events,
    messages,
    outbox,
    outbox_progress,
    outbox_seals,
    read_marks,
    standing,
)
from peerpost_daemon.records.outbox_seals import Sealed
from peerpost_daemon.records.outgoing import OutboxState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import ReadMark
from tests.daemon.methods.house import message_by
from tests.support.people import NOW_MS, Channel, Person, digest
from tests.support.receiving import Chain, Desk


@pytest.fixture
def chain(ops: Channel, alice: Person, bob: Person, carol: Person) -> Chain:
    """Be Alice's chain."""
    return Chain(alice, ops, bob, carol)


@pytest.fixture
async def said(desk: Desk, ops: Channel, alice: Person, bob: Person, carol: Person) -> list[bytes]:
    """Let Bob have said two things, which are at the relay at the positions 10 and 11."""
    desk.meets(alice, carol)
    ids = [digest(text)[:16] for text in ("one", "two")]
    cards = (alice.card.id, bob.card.id, carol.card.id)

    def store(db: SqlConnection) -> None:
        for number, id_ in enumerate(ids, start=1):
            message = message_by(bob, ops.id, str(number), id=id_, mine=True)
            cursor = messages.add(db, message)
            assert cursor is not None
            outbox.add(db, message, cursor, None, None)
            outbox_seals.seal(db, [Sealed(number, number, b"x", digest(str(number)), cards)])
            outbox_progress.sent(db, id_, 9 + number, NOW_MS)

    await desk.write(store)
    desk.position = 11
    return ids


async def _states(desk: Desk, ids: list[bytes]) -> list[OutboxState]:
    rows = await desk.read(lambda db: [outbox.find(db, id_) for id_ in ids])
    return [row.state for row in rows if row is not None]


async def _told(desk: Desk) -> list[Any]:
    page = await desk.read(lambda db: events.page(db, 0, 100))
    return [
        msgspec.json.decode(event.data or b"") for event in page if event.kind == "message.status"
    ]


async def test_a_message_is_read_when_everybody_has_read_it(
    desk: Desk, ops: Channel, chain: Chain, carol: Person, said: list[bytes]
) -> None:
    other = Chain(carol, ops, chain.sender, desk.me)
    await desk.take(ops, chain.next("", body=ReadMark(11)))
    assert await _states(desk, said) == ["sent", "sent"]
    await desk.take(ops, other.next("", body=ReadMark(10)))
    assert await _states(desk, said) == ["read", "sent"]
    (event,) = await _told(desk)
    assert (event["status"], event["read_at_ms"]) == ("read", NOW_MS)
    assert await desk.reasons() == []


async def test_a_mark_speaks_for_its_sender_and_for_the_past_alone(
    desk: Desk, ops: Channel, chain: Chain, alice: Person, said: list[bytes]
) -> None:
    await desk.take(ops, chain.next("", body=ReadMark(2**53 - 1)))
    marks = await desk.read(lambda db: read_marks.positions(db, ops.id))
    assert marks == {alice.identity: 12}
    assert await _states(desk, said) == ["sent", "sent"]


async def test_a_mark_does_not_go_back(
    desk: Desk, ops: Channel, chain: Chain, alice: Person, said: list[bytes]
) -> None:
    await desk.take(ops, chain.next("a", body=ReadMark(11)), chain.next("b", body=ReadMark(3)))
    marks = await desk.read(lambda db: read_marks.positions(db, ops.id))
    assert marks == {alice.identity: 11}
    assert len(said) == 2


async def test_a_mark_is_no_message_but_belongs_to_the_chain(
    desk: Desk, ops: Channel, chain: Chain, alice: Person
) -> None:
    desk.meets(alice)
    await desk.take(ops, chain.next("a"), chain.next("", body=ReadMark(1)), chain.next("b"))
    assert await desk.texts() == ["a", "b"]
    assert await desk.reasons() == []
    assert await desk.read(lambda db: standing.identities_of(db, (alice.card.id,)))
