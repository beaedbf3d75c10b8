"""A member uses a message id again: her own, or one of somebody else's.

Replies, edits and receipts name messages by id. Her own second use is refused by the relay, and by the reader when the
relay does not mind; another's id in her hands is another message, and changes nothing about the first.
"""

from pathlib import Path

from peerpost_daemon.records import messages
from peerpost_protocol.envelope import parse_envelope
from tests.attacks.scene import fresh_id, scene
from tests.support.relay_client import refusal
from tests.support.taking_down import taken_down


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
