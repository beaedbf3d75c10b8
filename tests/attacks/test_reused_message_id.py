"""A member uses a message id again: her own, or one of somebody else's.

Replies, edits and receipts name messages by id. Her own second use is refused by the relay, and by the reader when the
relay does not mind; another's id in her hands is another message, and changes nothing about the first.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from peerpost_daemon.records import messages
from peerpost_daemon.records.messages import Message
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import Edit
from peerpost_protocol.envelope import parse_envelope
from tests.attacks.scene import fresh_id, scene
from tests.support.people import NOW_MS, Person, channel_of, digest, person
from tests.support.receiving import Chain, Desk, open_desk
from tests.support.relay_client import refusal
from tests.support.taking_down import taken_down

ALICE, BOB, MALLORY = person("alice"), person("bob"), person("mallory")
CHANNEL = channel_of(ALICE, BOB, MALLORY)


async def test_an_id_used_twice_by_its_sender_brings_one_message(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        id_ = fresh_id()
        await s.client.publish(s.forgery("yes", place=s.mallory.place(s.roster, message=id_)))
        again = s.forgery("no", place=s.mallory.place(s.roster, message=id_))
        assert refusal(await s.client.publish(again)) == "message_id_reused"
        await s.relay.insert(s.channel, again)
        assert (await s.bob.told("quarantine"))["reason"] == "message_id_reused"
        await s.bob_survives("yes")


async def test_anothers_id_does_not_replace_the_message(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        theirs = await taken_down(s.client, s.alice, s.channel, "mine")
        id_ = parse_envelope(theirs).header.message
        await s.client.publish(s.forgery("mine too", place=s.mallory.place(s.roster, message=id_)))
        await s.bob.shows(s.channel, "mine", "mine too")
        first = await s.bob.read(lambda db: messages.at(db, 1))
        assert first is not None
        assert first.message.card == s.alice.card.id
        await s.bob_survives("mine", "mine too")


async def test_the_sender_still_finds_her_own_message_by_an_id_that_another_copied(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        theirs = await taken_down(s.client, s.alice, s.channel, "mine")
        id_ = parse_envelope(theirs).header.message
        await s.client.publish(s.forgery("copied", place=s.mallory.place(s.roster, message=id_)))
        await s.alice.shows(s.channel, "copied")
        found = await s.alice.read(lambda db: messages.find(db, id_))
        assert found is not None
        assert (found.message.mine, found.message.body) == (True, b"mine")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = await open_desk(tmp_path, BOB, ALICE, MALLORY)
    yield made
    await made.database.close()


def said(who: Person, text: str, reply_to: bytes | None, id_: bytes = b"") -> Message:
    """Return a message as the inbox stores it."""
    return Message(
        id=id_ or digest(text)[:16],
        channel=CHANNEL.id,
        card=who.card.id,
        identity=who.identity,
        mine=False,
        sequence=None,
        position=None,
        media_type=None,
        body=text.encode(),
        reply_to=reply_to,
        sent_at_ms=NOW_MS,
        received_at_ms=NOW_MS,
        expires_at_ms=None,
    )


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_copied_id_moves_no_answers_to_another_thread(
    desk: Desk, *, elsewhere: bool
) -> None:
    root = said(ALICE, "shall we?", None)
    answer = said(ALICE, "let us", root.id)
    hers = said(MALLORY, "no", digest("hers")[:16], root.id)
    if elsewhere:
        hers = replace(hers, channel=digest("another channel"))

    def threads(db: SqlConnection) -> list[bytes | None]:
        for message in (root, answer, hers):
            assert messages.add(db, message) is not None
        return [one.message.thread for one in messages.between(db, 0, 9, 9)]

    found = await desk.write(threads)
    assert found[:2] == [None, root.id]


async def test_an_edit_waits_for_its_message_and_not_for_another_with_its_id(desk: Desk) -> None:
    await desk.begin(CHANNEL)
    theirs, hers = Chain(ALICE, CHANNEL, BOB, MALLORY), Chain(MALLORY, CHANNEL, BOB, ALICE)
    id_ = digest("first")[:16]
    first = theirs.next("wrong", message=id_)
    edit = theirs.next("edit", body=Edit(id_, "right"))
    await desk.take(CHANNEL, edit)
    await desk.take(CHANNEL, hers.next("copied", message=id_))
    await desk.take(CHANNEL, first)
    assert await desk.texts() == ["copied", "right"]
