"""Taking a chain back: what stands before a refused envelope keeps its bytes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.outbound.chain_back import Refused, caught_up, chain_back
from peerpost_daemon.records import channels, messages, outbox, outbox_seals
from peerpost_daemon.records.messages import Message
from peerpost_daemon.records.outbox_seals import Sealed
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link
from peerpost_protocol.frames import ChannelState
from tests.support.people import NOW_MS, channel_of, digest, person
from tests.support.receiving import Desk, open_desk

ALICE, BOB = person("alice"), person("bob")
OPS = channel_of(BOB, ALICE)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Bob's vault with three sealed messages on their way."""
    opened = await open_desk(tmp_path, BOB, ALICE)
    await opened.begin(OPS)
    for sequence in (1, 2, 3):
        await opened.write(lambda db, s=sequence: _seal(db, s))  # type: ignore[misc]
    yield opened
    await opened.database.close()


async def test_only_what_follows_the_refused_one_is_sealed_anew(desk: Desk) -> None:
    await desk.write(lambda db: chain_back(db, [Refused(OPS.id, 2, _state(0))]))
    assert await _states(desk) == ["sealed", "queued", "queued"]
    assert (await desk.channel(OPS)).own == Link(1, digest("envelope 1"))


async def test_what_the_relay_has_of_ours_comes_first(desk: Desk) -> None:
    await desk.write(lambda db: chain_back(db, [Refused(OPS.id, 3, _state(2))]))
    stored = await desk.channel(OPS)
    assert stored.own == stored.sent == Link(2, digest("envelope 2"))


async def test_an_envelope_that_nobody_here_knows_is_not_continued(desk: Desk) -> None:
    _, found = await desk.write(lambda db: chain_back(db, [Refused(OPS.id, 2, _state(7))]))
    stored = await desk.channel(OPS)
    assert (stored.own, stored.sent) == (Link(1, digest("envelope 1")), None)
    assert found.claimed[OPS.id].link == Link(7, digest("envelope 7"))


async def test_what_the_relay_has_lost_is_found(desk: Desk) -> None:
    sent = Link(3, digest("envelope 3"))
    await desk.write(lambda db: channels.set_sent(db, OPS.id, sent))
    _, found = await desk.write(lambda db: chain_back(db, [Refused(OPS.id, 4, _state(1))]))
    assert found.lost == {OPS.id: Link(1, digest("envelope 1"))}


async def test_a_chain_of_which_nothing_is_left_begins_anew(desk: Desk) -> None:
    await desk.write(lambda db: chain_back(db, [Refused(OPS.id, 1, None)]))
    assert await _states(desk) == ["queued"] * 3
    assert (await desk.channel(OPS)).own is None


async def test_a_newer_roster_is_waited_for(desk: Desk) -> None:
    state = _state(0, roster_position=4)
    behind, _ = await desk.write(lambda db: chain_back(db, [Refused(OPS.id, 1, state)]))
    assert behind == {OPS.id: 4}
    assert await desk.read(lambda db: caught_up(db, behind)) == []
    assert await desk.read(lambda db: caught_up(db, {OPS.id: 0})) == [OPS.id]


def _seal(db: SqlConnection, sequence: int) -> None:
    said = Message(
        digest(f"message {sequence}")[:16], OPS.id, BOB.card.id, BOB.identity, mine=True,
        sequence=None, position=None, media_type=None, body=b"x", reply_to=None,
        sent_at_ms=NOW_MS, received_at_ms=None, expires_at_ms=None,
    )  # fmt: skip
    cursor = messages.add(db, said)
    assert cursor is not None
    outbox.add(db, said, cursor, None, None)
    row = outbox.find(db, said.id)
    assert row is not None
    id_ = digest(f"envelope {sequence}")
    outbox_seals.seal(db, [Sealed(row.number, sequence, b"bytes", id_, (ALICE.card.id,))])
    channels.set_own(db, OPS.id, Link(sequence, id_))


def _state(own: int, *, roster_position: int = 0) -> ChannelState:
    head = digest(f"envelope {own}") if own else None
    return ChannelState(
        OPS.id, 9, 1, 1, roster_position, OPS.roster.head, own, head, recovered=True, receipts=0
    )


async def _states(desk: Desk) -> list[str]:
    rows = await desk.read(
        lambda db: db.execute("SELECT state FROM outbox ORDER BY number").fetchall()
    )
    return [row[0] for row in rows]
