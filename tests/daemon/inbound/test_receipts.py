"""The others' receipts: what they prove, and what proves nothing."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from peerpost_daemon.inbound import receipts
from peerpost_daemon.inbound.opening import Recipient
from peerpost_daemon.records import (
    ahead,
    channels,
    messages,
    outbox,
    outbox_progress,
    outbox_seals,
    own_links,
)
from peerpost_daemon.records.messages import Message
from peerpost_daemon.records.outbox_seals import Sealed
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link
from peerpost_protocol.receipt import Mark, ReceiptBody, sign_receipt
from tests.support.people import NOW_MS, Person, channel_of, digest, person, removed
from tests.support.receiving import Desk, open_desk

ALICE, BOB, CAROL = person("alice"), person("bob"), person("carol")
OPS = channel_of(BOB, ALICE, CAROL)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Bob's vault with three messages sealed for alice and carol."""
    opened = await open_desk(tmp_path, BOB, ALICE, CAROL)
    await opened.begin(OPS)
    for sequence in (1, 2, 3):
        await opened.write(partial(_seal, sequence=sequence))
    yield opened
    await opened.database.close()


async def test_a_message_is_delivered_when_every_recipient_has_it(desk: Desk) -> None:
    await _receive(desk, ALICE, 3)
    assert await _states(desk) == ["sealed"] * 3
    await _receive(desk, CAROL, 2)
    assert await _states(desk) == ["delivered", "delivered", "sealed"]
    await _receive(desk, CAROL, 3)
    assert await _states(desk) == ["delivered"] * 3


async def test_a_missing_one_is_not_delivered_until_it_is_there(desk: Desk) -> None:
    await _receive(desk, ALICE, 3)
    await _receive(desk, CAROL, 3, missing=(2,))
    assert await _states(desk) == ["delivered", "sealed", "delivered"]
    await _receive(desk, CAROL, 3)
    assert await _states(desk) == ["delivered"] * 3


async def test_a_receipt_for_another_envelope_proves_nothing(desk: Desk) -> None:
    await _receive(desk, ALICE, 3, envelope=digest("not ours"))
    await _receive(desk, CAROL, 3)
    assert await _states(desk) == ["sealed"] * 3
    assert await desk.reasons() == ["receipt_mismatch"]


async def test_a_receipt_for_what_was_never_sealed_proves_nothing(desk: Desk) -> None:
    await _receive(desk, ALICE, 1_000)
    await _receive(desk, CAROL, 3)
    assert await _states(desk) == ["sealed"] * 3
    assert await desk.reasons() == ["receipt_mismatch"]


async def test_the_highest_mark_beyond_our_chain_holds_it(desk: Desk) -> None:
    for who, sequence in ((ALICE, 7), (CAROL, 9), (ALICE, 8)):
        await _receive(desk, who, sequence)
    assert await desk.read(ahead.held) == {OPS.id}
    assert await desk.read(ahead.settled) == []  # what was sealed goes first
    await _at_the_relay(desk)
    (held,) = await desk.read(ahead.settled)
    assert held == ahead.Ahead(OPS.id, Link(9, digest("envelope 9")), CAROL.identity)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(3, 4 + ahead.MAX_LEAP), (ahead.LEAP_CEILING - 1, ahead.LEAP_CEILING + 1)],
)
async def test_a_mark_out_of_reach_holds_nothing(desk: Desk, ours: int, theirs: int) -> None:
    await desk.write(lambda db: channels.set_own(db, OPS.id, Link(ours, digest("ours"))))
    await _receive(desk, ALICE, theirs)
    assert await desk.read(ahead.held) == frozenset()
    assert await desk.reasons() == ["receipt_mismatch"]


async def test_a_mark_of_an_envelope_that_is_not_known_delivers_nothing(desk: Desk) -> None:
    leapt = Link(9, digest("envelope 9"))
    await desk.write(lambda db: channels.set_own(db, OPS.id, leapt))
    for who in (ALICE, CAROL):
        await _receive(desk, who, 9)
    assert await _states(desk) == ["sealed"] * 3
    assert await desk.reasons() == []


async def test_a_receipt_of_who_is_no_member_proves_nothing(desk: Desk) -> None:
    await _receive(desk, person("eve"), 3)
    assert await desk.events("receipt") == []


async def test_an_older_receipt_takes_nothing_back(desk: Desk) -> None:
    for who in (ALICE, CAROL):
        await _receive(desk, who, 3)
        await _receive(desk, who, 1)
    assert await _states(desk) == ["delivered"] * 3
    assert [event["sequence"] for event in await desk.events("receipt")] == [3, 3]


async def test_a_given_up_message_leaves_its_sequence_to_another(desk: Desk) -> None:
    def again(db: SqlConnection) -> None:
        row = outbox.by_sequence(db, OPS.id, 3)
        assert row is not None
        outbox_progress.fail(db, row.number, "too_large", NOW_MS)
        _seal(db, 3, name="another")

    await desk.write(again)
    await _receive(desk, ALICE, 3, envelope=digest("another 3"))
    assert await desk.reasons() == []
    row = await desk.read(lambda db: outbox.by_sequence(db, OPS.id, 3))
    assert row is not None
    assert row.envelope_id == digest("another 3")


async def _at_the_relay(desk: Desk) -> None:
    for sequence in (1, 2, 3):
        id_ = digest(f"envelope message {sequence}")[:16]
        await desk.write(partial(_sent, id_=id_, position=sequence))


def _sent(db: SqlConnection, id_: bytes, position: int) -> None:
    outbox_progress.sent(db, id_, position, NOW_MS)


async def test_who_is_removed_is_waited_for_no_more(desk: Desk) -> None:
    await _at_the_relay(desk)
    await _receive(desk, ALICE, 2)
    assert await _states(desk) == ["sent"] * 3
    await desk.take(OPS, removed(OPS, BOB, CAROL).events[-1])
    assert await _states(desk) == ["delivered", "delivered", "sent"]
    await _receive(desk, ALICE, 3)
    assert await _states(desk) == ["delivered"] * 3


async def test_what_nobody_has_fails_when_all_are_gone(desk: Desk) -> None:
    await _at_the_relay(desk)
    await _receive(desk, ALICE, 1)
    await desk.take(OPS, *removed(OPS, BOB, ALICE, CAROL).events[len(OPS.events) :])
    assert await _states(desk) == ["delivered", "failed", "failed"]
    told = [e for e in await desk.events("message.status") if e["status"] == "failed"]
    assert [event["reason"] for event in told] == ["recipients_removed"] * 2


async def test_the_place_of_what_failed_then_is_still_ours(desk: Desk) -> None:
    await _at_the_relay(desk)
    await desk.take(OPS, *removed(OPS, BOB, ALICE, CAROL).events[len(OPS.events) :])
    link = await desk.read(lambda db: own_links.known(db, OPS.id, 2))
    assert link == own_links.OwnLink(digest("envelope 2"), 2)


def test_a_receipt_for_another_channel_is_bad() -> None:
    body = ReceiptBody(digest("elsewhere"), ALICE.card.id, 1, NOW_MS, ())
    signed = sign_receipt(ALICE.keys.signing, body)
    claims, bad = receipts.parse([(OPS.id, signed)])
    assert claims == []
    assert [one.card for one in bad] == [ALICE.card.id]


def test_a_receipt_signed_by_another_is_bad() -> None:
    body = ReceiptBody(OPS.id, ALICE.card.id, 1, NOW_MS, ())
    claims, _ = receipts.parse([(OPS.id, sign_receipt(CAROL.keys.signing, body))])
    verified, bad = receipts.verify(claims, {ALICE.card.id: ALICE.card})
    assert verified == []
    assert [one.card for one in bad] == [ALICE.card.id]


async def _receive(
    desk: Desk,
    who: Person,
    sequence: int,
    *,
    missing: tuple[int, ...] = (),
    envelope: bytes | None = None,
) -> None:
    mark = Mark(BOB.card.id, sequence, envelope or digest(f"envelope {sequence}"), missing)
    body = ReceiptBody(OPS.id, who.card.id, 1, NOW_MS, (mark,))
    claims, _ = receipts.parse([(OPS.id, sign_receipt(who.keys.signing, body))])
    (receipt,), _ = receipts.verify(claims, {who.card.id: who.card})
    await desk.write(lambda db: receipts.take(db, receipt, Recipient(BOB.card, BOB.keys), NOW_MS))


def _seal(db: SqlConnection, sequence: int, *, name: str = "envelope") -> None:
    said = Message(
        digest(f"{name} message {sequence}")[:16], OPS.id, BOB.card.id, BOB.identity, mine=True,
        sequence=None, position=None, media_type=None, body=b"x", reply_to=None,
        sent_at_ms=NOW_MS, received_at_ms=None, expires_at_ms=None,
    )  # fmt: skip
    cursor = messages.add(db, said)
    assert cursor is not None
    outbox.add(db, said, cursor, None, None)
    row = outbox.find(db, said.id)
    assert row is not None
    id_ = digest(f"{name} {sequence}")
    cards = (BOB.card.id, ALICE.card.id, CAROL.card.id)
    outbox_seals.seal(db, [Sealed(row.number, sequence, b"bytes", id_, cards)])
    channels.set_own(db, OPS.id, Link(sequence, id_))


async def _states(desk: Desk) -> list[str]:
    rows = await desk.read(
        lambda db: db.execute("SELECT state FROM outbox ORDER BY number").fetchall()
    )
    return [row[0] for row in rows]
