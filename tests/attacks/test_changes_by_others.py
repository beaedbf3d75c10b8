"""A member changes what others wrote: edits it, deletes it, says that he is another, floods it with signs.

Who may is told by the signed sender. What does not count changes nothing and stops nobody; what a sender may not do is
an event. Answers that nobody asked for, and threads that go in a circle, are messages like any other.
"""

import os
from pathlib import Path

import pytest

from peerpost_daemon.records import answers, messages, reactions
from peerpost_daemon.records.messages import StoredMessage
from peerpost_protocol.content import Body, Correlation, Deletion, Edit, Reaction, Text
from peerpost_protocol.envelope import seal
from peerpost_protocol.frames import Accepted
from tests.attacks.scene import ALICE, MALLORY, Scene, scene
from tests.support.relay_client import now_ms


async def _mallory_sends(
    s: Scene,
    body: Body,
    *,
    reply_to: bytes | None = None,
    correlation: Correlation | None = None,
    message: bytes | None = None,
) -> bytes:
    """Let mallory publish a content that no daemon of hers would; return its message id."""
    place = s.mallory.place(s.roster, message=message or os.urandom(16))
    cards = [s.mallory.card, s.alice.card, s.bob.card]
    data, id_ = seal(
        s.mallory.keys,
        s.mallory.card,
        cards,
        place,
        body,
        random_bytes=os.urandom,
        reply_to=reply_to,
        correlation=correlation,
    )
    s.mallory.chains[s.channel] = (place.sequence, id_)
    assert isinstance(await s.client.publish(data), Accepted)
    return place.message


async def _alice_said(s: Scene, text: str = "the truth") -> bytes:
    message = await s.alice.send(s.channel, text)
    await s.bob.shows(s.channel, text)
    return message


async def _found(s: Scene, message: bytes) -> StoredMessage:
    found = await s.bob.read(lambda db: messages.find(db, message))
    assert found is not None
    return found


@pytest.mark.parametrize("author", [ALICE, MALLORY])
async def test_a_member_cannot_delete_what_another_wrote(tmp_path: Path, author: str) -> None:
    async with scene(tmp_path) as s:
        message = await _alice_said(s)
        await _mallory_sends(s, Deletion(message, author))
        await s.bob_survives("the truth")
        assert await s.bob.reasons() == (["not_the_author"] if author == ALICE else [])


async def test_a_member_cannot_edit_what_another_wrote(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        message = await _alice_said(s)
        await _mallory_sends(s, Edit(message, "a lie"))
        await s.bob_survives("the truth")


async def test_a_copied_id_does_not_let_a_member_edit_the_original(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        message = await _alice_said(s)
        await _mallory_sends(s, Text("a copy"), message=message)
        await _mallory_sends(s, Edit(message, "a lie"))
        await s.bob_survives("the truth", "a lie")  # the second is mallory's own


async def test_signs_are_bounded_and_a_flood_stops_nobody(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        message = await _alice_said(s)
        for n in range(reactions.MAX_OF_IDENTITY + 4):
            await _mallory_sends(s, Reaction(message, ALICE, f"{n}", withdrawn=False))
        await s.bob_survives("the truth")
        cursor = (await _found(s, message)).cursor
        put = (await s.bob.read(lambda db: reactions.of(db, [cursor])))[cursor]
        assert len(put) == reactions.MAX_OF_IDENTITY
        assert {who for sign in put for who in sign.identities} == {MALLORY}


async def test_answers_in_a_circle_are_a_thread(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        first, second = os.urandom(16), os.urandom(16)
        await _mallory_sends(s, Text("one"), reply_to=second, message=first)
        await _mallory_sends(s, Text("two"), reply_to=first, message=second)
        await _mallory_sends(s, Text("three"), reply_to=first)
        await s.bob_survives("one", "two", "three")
        threads = {(await _found(s, id_)).message.thread for id_ in (first, second)}
        assert threads == {second}


async def test_an_answer_counts_for_its_own_request_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        message = await _alice_said(s)  # which is no request, and not bob's
        await _mallory_sends(s, Text("yes"), correlation=Correlation(message, answers=True))
        await _mallory_sends(s, Text("yes!"), correlation=Correlation(message, answers=True))
        await s.bob_survives("the truth", "yes", "yes!")
        assert await s.bob.read(lambda db: answers.counts(db, [message])) == {}
        assert await s.alice.read(lambda db: answers.counts(db, [message])) == {}  # no request
        ask = "UPDATE message SET request = id WHERE id = ?"
        await s.alice.database.write(lambda db: db.execute(ask, (message,)).rowcount)
        assert await s.alice.read(lambda db: answers.counts(db, [message])) == {message: 1}


@pytest.mark.parametrize("expires_in_ms", [-1, 2**53 - 1 - 4 * 10**12])
async def test_expiries_of_any_time_are_taken_as_they_are(
    tmp_path: Path, expires_in_ms: int
) -> None:
    async with scene(tmp_path) as s:
        place = s.mallory.place(s.roster, expires_at_ms=now_ms() + expires_in_ms)
        await s.relay.insert(s.channel, s.forgery("odd", place=place))
        await s.bob_survives(*(["odd"] if expires_in_ms > 0 else []))
