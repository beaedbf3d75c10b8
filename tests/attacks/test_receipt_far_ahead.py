"""A member signs that it has an envelope of ours that we never sealed.

After a restoration such a receipt is the only trace of what was sent, so it is followed: our chain goes on above it.
Who lies gains a gap that everybody sees, and the name that is told; sequences are not used up by it, and what was not
delivered is not called so.
"""

from pathlib import Path

from peerpost_daemon.records.ahead import MAX_LEAP
from peerpost_protocol.frames import Accepted
from peerpost_protocol.receipt import Mark, ReceiptBody, sign_receipt
from tests.attacks.scene import Scene, scene

MADE_UP = bytes(range(32))


async def _mallory_claims(s: Scene, sequence: int, position: int) -> None:
    """Let mallory post a receipt for an envelope of alice's that she made up."""
    mark = Mark(s.alice.card.id, sequence, MADE_UP, ())
    body = ReceiptBody(s.channel, s.mallory.card.id, position, position, (mark,))
    signed = sign_receipt(s.mallory.keys.signing, body)
    assert isinstance(await s.client.post_receipt(signed), Accepted)


async def test_a_mark_that_is_too_far_is_told_and_not_followed(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.alice.outgoing(await s.alice.send(s.channel, "one"), "sent")
        await _mallory_claims(s, 2 + MAX_LEAP, 9)
        event = await s.alice.told("daemon", change="receivers_ahead")
        assert event["detail"].startswith("mallory@example.org has ")
        row = await s.alice.outgoing(await s.alice.send(s.channel, "two"), "sent")
        assert row.sequence == 2
        await s.bob.shows(s.channel, "one", "two")
        assert await s.bob.reasons() == []


async def test_a_mark_within_reach_costs_sequences_and_delivers_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        one = await s.alice.send(s.channel, "one")
        await s.alice.outgoing(one, "sent")
        await _mallory_claims(s, 1_000, 9)
        event = await s.alice.told("daemon", change="sequence_leapt")
        assert event["detail"] == "1 became 1000 in ops, by mallory@example.org"
        await _mallory_claims(s, 1_000, 10)
        row = await s.alice.outgoing(await s.alice.send(s.channel, "two"), "sent")
        assert row.sequence == 1_001
        await s.bob.shows(s.channel, "one", "two")
        assert await s.bob.reasons() == ["gap"]
        assert (await s.alice.outgoing(one, "sent")).delivered_at_ms is None
