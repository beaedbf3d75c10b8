"""Own envelopes in the stream: they confirm, they recover, and a second one for a place is a fork."""

from peerpost_daemon.records import messages, outbox, outbox_seals, outgoing
from peerpost_daemon.records.messages import Message
from peerpost_daemon.records.outbox_seals import Sealed
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link
from peerpost_protocol.envelope import parse_envelope
from tests.support.people import NOW_MS, Channel, Person
from tests.support.receiving import Chain, Desk


async def test_an_own_envelope_confirms_its_row(
    desk: Desk, ops: Channel, alice: Person, bob: Person
) -> None:
    envelope = Chain(bob, ops, alice).next("hello")
    await desk.write(lambda db: _row(db, desk, envelope, sealed=True))
    await desk.take(ops, envelope)
    row = await _outgoing(desk, envelope)
    assert (row.state.value, row.position) == ("sent", desk.position)
    assert await desk.reasons() == []


async def test_another_own_envelope_for_the_place_is_a_fork(
    desk: Desk, ops: Channel, alice: Person, bob: Person
) -> None:
    chain = Chain(bob, ops, alice)
    other, envelope = chain.forged("not mine"), chain.next("hello")
    await desk.write(lambda db: _row(db, desk, envelope, sealed=True))
    await desk.take(ops, other)
    assert await desk.reasons() == ["own_fork"]


async def test_what_a_restored_vault_does_not_know_is_recovered(
    desk: Desk, ops: Channel, alice: Person, bob: Person
) -> None:
    chain = Chain(bob, ops, alice)
    chain.next("lost too")
    envelope = chain.next("forgotten")
    await desk.take(ops, envelope)
    stored = await desk.channel(ops)
    assert stored.own == stored.sent == Link(2, parse_envelope(envelope).id)
    id_ = parse_envelope(envelope).header.message
    found = await desk.read(lambda db: messages.find(db, id_))
    assert found is not None
    assert found.message.mine


async def test_what_a_restored_vault_still_has_to_send_is_sent_already(
    desk: Desk, ops: Channel, alice: Person, bob: Person
) -> None:
    envelope = Chain(bob, ops, alice).next("hello")
    await desk.write(lambda db: _row(db, desk, envelope, sealed=False))
    await desk.take(ops, envelope)
    row = await _outgoing(desk, envelope)
    assert (row.state.value, row.sequence) == ("sent", 1)
    assert row.recipients == (bob.card.id, alice.card.id)


def _row(db: SqlConnection, desk: Desk, envelope: bytes, *, sealed: bool) -> None:
    claim = parse_envelope(envelope)
    header = claim.header
    said = Message(
        header.message, header.channel, desk.me.card.id, desk.me.identity, mine=True,
        sequence=None, position=None, media_type=None, body=b"hello", reply_to=None,
        sent_at_ms=NOW_MS, received_at_ms=None, expires_at_ms=None,
    )  # fmt: skip
    cursor = messages.add(db, said)
    assert cursor is not None
    outbox.add(db, said, cursor, None, None)
    row = outbox.find(db, said.id)
    assert row is not None
    if sealed:
        cards = (bytes(32),)  # somebody's who has not answered
        outbox_seals.seal(db, [Sealed(row.number, header.sequence, envelope, claim.id, cards)])


async def _outgoing(desk: Desk, envelope: bytes) -> outgoing.Outgoing:
    id_ = parse_envelope(envelope).header.message
    row = await desk.read(lambda db: outbox.find(db, id_))
    assert row is not None
    return row
