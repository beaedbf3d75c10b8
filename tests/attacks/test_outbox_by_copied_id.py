"""A member gives a message of hers the id of one of ours, then edits or deletes hers, while our own change waits.

What our outbox holds is found by message id. Her change is about her message: our message stays as it is and can be
sealed again, and what we have queued about ours, or about anybody's but hers, leaves as we said it.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.records import messages, outbox, outbox_bodies
from peerpost_daemon.records.bodies import encode_body
from peerpost_daemon.records.messages import Message
from peerpost_daemon.records.outgoing import OutboxState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import Body, Deletion, Edit, Reaction
from tests.support.people import NOW_MS, channel_of, digest, person
from tests.support.receiving import Chain, Desk, open_desk

ALICE, BOB, MALLORY = person("alice"), person("bob"), person("mallory")
CHANNEL = channel_of(ALICE, BOB, MALLORY)
OURS, CHANGE = digest("ours")[:16], digest("change")[:16]
ASKED: list[Body] = [
    Edit(OURS, "better"),
    Deletion(OURS, ALICE.identity),
    Reaction(OURS, BOB.identity, "+1", withdrawn=False),
]


def _say(db: SqlConnection) -> None:
    """Let alice have said something, which has left; its envelope is kept until all have it."""
    said = Message(
        id=OURS,
        channel=CHANNEL.id,
        card=ALICE.card.id,
        identity=ALICE.identity,
        mine=True,
        sequence=1,
        position=1,
        media_type=None,
        body=b"mine",
        reply_to=None,
        sent_at_ms=NOW_MS,
        received_at_ms=None,
        expires_at_ms=None,
    )
    cursor = messages.add(db, said)
    assert cursor is not None
    outbox.add(db, said, cursor, None, None)
    db.execute("UPDATE outbox SET state = 'sent', envelope = x'00'")


def _queue(db: SqlConnection, body: Body) -> None:
    assert isinstance(body, Edit | Deletion | Reaction)
    encoded = encode_body(body)
    outbox_bodies.add_change(
        db, CHANGE, CHANNEL.id, encoded, subject=OURS, now_ms=NOW_MS, expires_at_ms=None
    )


def _content(db: SqlConnection) -> bytes:
    (content,) = db.execute("SELECT content FROM outbox WHERE message = ?", (CHANGE,)).fetchone()
    return bytes(content)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = await open_desk(tmp_path, ALICE, BOB, MALLORY)
    await made.begin(CHANNEL)
    await made.write(_say)
    yield made
    await made.database.close()


async def copied(desk: Desk, then: Body) -> None:
    """Let mallory send a message with our id, and change it."""
    chain = Chain(MALLORY, CHANNEL, ALICE, BOB)
    await desk.take(CHANNEL, chain.next("hers", message=OURS))
    await desk.take(CHANNEL, chain.next("then", body=then))
    assert await desk.texts() != ["hers"]


HERS: list[Body] = [Deletion(OURS, MALLORY.identity), Edit(OURS, "hers, edited")]


@pytest.mark.parametrize("hers", HERS, ids=["deletes", "edits"])
@pytest.mark.parametrize("asked", ASKED, ids=["an edit", "a deletion", "a reaction"])
async def test_what_we_have_queued_still_leaves(desk: Desk, asked: Body, hers: Body) -> None:
    await desk.write(lambda db: _queue(db, asked))
    await copied(desk, hers)
    stored = await desk.read(_content)
    assert isinstance(asked, Edit | Deletion | Reaction)
    assert stored == encode_body(asked)
    row = await desk.read(lambda db: outbox.find(db, CHANGE))
    assert row is not None
    assert row.state is OutboxState.QUEUED


@pytest.mark.parametrize("hers", HERS, ids=["deletes", "edits"])
async def test_our_message_can_be_sent_again(desk: Desk, hers: Body) -> None:
    def kept(db: SqlConnection) -> tuple[object, ...]:
        asked = "SELECT message_cursor, wiped, envelope FROM outbox WHERE message = ?"
        found: tuple[object, ...] = db.execute(asked, (OURS,)).fetchone()
        return found

    before = await desk.read(kept)
    await copied(desk, hers)
    assert await desk.read(kept) == before


async def test_a_reaction_to_her_message_goes_with_it(desk: Desk) -> None:
    reaction = Reaction(OURS, MALLORY.identity, "+1", withdrawn=False)
    await desk.write(lambda db: _queue(db, reaction))
    await copied(desk, HERS[0])
    assert await desk.read(_content) == b""
