"""Kept bytes: what the relay has and not every receiver, in order, and within a bound."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.records import kept, outbox, outbox_progress, outbox_seals
from peerpost_daemon.records.messages import Message, add
from peerpost_daemon.records.outbox_seals import Sealed
from peerpost_daemon.vault.connection import SqlConnection
from tests.support.people import NOW_MS, channel_of, digest, person
from tests.support.receiving import Desk, open_desk

ALICE, BOB = person("alice"), person("bob")
OPS = channel_of(BOB, ALICE)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Bob's vault with three messages that the relay has."""
    opened = await open_desk(tmp_path, BOB, ALICE)
    await opened.begin(OPS)
    for sequence in (1, 2, 3):
        await opened.write(lambda db, s=sequence: _send(db, s))  # type: ignore[misc]
    yield opened
    await opened.database.close()


async def test_what_was_sent_is_kept_in_its_order(desk: Desk) -> None:
    assert await _sequences(desk) == [1, 2, 3]
    found = await desk.read(lambda db: kept.after(db, OPS.id, 1, 2, 9))
    assert [(one.link.sequence, one.envelope) for one in found] == [(2, bytes(100))]


async def test_what_is_delivered_is_not_kept(desk: Desk) -> None:
    row = await desk.read(lambda db: outbox.by_sequence(db, OPS.id, 2))
    assert row is not None
    await desk.write(lambda db: outbox_progress.delivered(db, row.number, NOW_MS))
    assert await _sequences(desk) == [1, 3]
    assert await _tally(desk) == (2, 200)


async def test_the_oldest_give_way_over_the_bound(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_KEPT_BYTES", 250)
    monkeypatch.setattr(kept, "_DROPPED_TOGETHER", 1)
    await desk.write(kept.bound)
    assert await _sequences(desk) == [2, 3]
    assert await _tally(desk) == (2, 200)


def _send(db: SqlConnection, sequence: int) -> None:
    said = Message(
        digest(f"message {sequence}")[:16], OPS.id, BOB.card.id, BOB.identity, mine=True,
        sequence=None, position=None, media_type=None, body=b"x", reply_to=None,
        sent_at_ms=NOW_MS, received_at_ms=None, expires_at_ms=None,
    )  # fmt: skip
    cursor = add(db, said)
    assert cursor is not None
    outbox.add(db, said, cursor, None, None)
    row = outbox.find(db, said.id)
    assert row is not None
    id_ = digest(f"envelope {sequence}")
    outbox_seals.seal(db, [Sealed(row.number, sequence, bytes(100), id_, (ALICE.card.id,))])
    outbox_progress.sent(db, said.id, sequence + 1, NOW_MS)


async def _sequences(desk: Desk) -> list[int]:
    found = await desk.read(lambda db: kept.after(db, OPS.id, 0, 9, 9))
    return [one.link.sequence for one in found]


async def _tally(desk: Desk) -> tuple[int, int]:
    row = await desk.read(
        lambda db: db.execute("SELECT count, bytes FROM tally WHERE name = 'kept'").fetchone()
    )
    return row[0], row[1]
