"""The relay, or a member, makes up that a message has arrived.

"Delivered" is what a script acts on. It is believed from the recipient's own signature alone, for the envelope that was
sealed, in the channel where it was: not in another's name, not for what was never sent, not from another channel.
"""

from pathlib import Path

from peerpost_protocol.card import Card, DeviceKeys
from peerpost_protocol.receipt import Mark, ReceiptBody, sign_receipt
from peerpost_protocol.signing import Signed
from tests.attacks.scene import BOB, Scene, scene
from tests.support.malicious_relay import envelopes
from tests.support.relay_client import refusal


def _receipt(keys: DeviceKeys, card: Card, channel: bytes, mark: Mark) -> Signed:
    return sign_receipt(keys.signing, ReceiptBody(channel, card.id, 9, 1, (mark,)))


def _mark(s: Scene, sequence: int, envelope: bytes) -> Mark:
    return Mark(s.alice.card.id, sequence, envelope, ())


async def _undelivered(s: Scene) -> tuple[bytes, bytes, bytes]:
    """Let alice write to bob alone, with nothing reaching him; return channel, message, envelope id."""
    pair = await s.alice.channel("pair", BOB)
    await s.bob.follows(pair)
    s.relay.rewrite(s.bob.card.id, envelopes(lambda _: None))
    message = await s.alice.send(pair, "are you there?")
    row = await s.alice.outgoing(message, "sent")
    assert row.envelope_id is not None
    return pair, message, row.envelope_id


async def _still_sent(s: Scene, message: bytes) -> None:
    """See that a receipt that came is behind us, and the message still is not delivered."""
    await s.mallory_says("next")
    await s.alice.shows(s.channel, "next")
    await s.alice.outgoing(message, "sent")


async def test_a_receipt_in_anothers_name_is_not_believed(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        pair, message, envelope = await _undelivered(s)
        mine = s.mallory.keys
        forged = _receipt(mine, s.bob.card, pair, _mark(s, 1, envelope))
        assert refusal(await s.client.post_receipt(forged)) == "bad_signature"
        await s.relay.notice(s.alice.card.id, pair, forged)
        event = await s.alice.told("quarantine", reason="bad_receipt")
        assert event["channel"] == pair.hex()
        await _still_sent(s, message)


async def test_a_receipt_of_a_stranger_is_not_believed(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        pair, message, envelope = await _undelivered(s)
        keys, card = s.mallory.keys, s.mallory.card
        forged = _receipt(keys, card, pair, _mark(s, 1, envelope))
        assert refusal(await s.client.post_receipt(forged)) == "unknown_channel"
        await s.relay.notice(s.alice.card.id, pair, forged)
        await _still_sent(s, message)
        assert await s.alice.events("receipt", channel=pair.hex()) == []


async def test_a_receipt_moved_from_another_channel_is_not_believed(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        said = await s.alice.send(s.channel, "heard")
        given = s.bob.account.keys, s.bob.card
        row = await s.alice.outgoing(said, "sent")
        assert row.envelope_id is not None
        there = _receipt(*given, s.channel, _mark(s, 1, row.envelope_id))
        pair, message, _ = await _undelivered(s)
        await s.relay.notice(s.alice.card.id, pair, there)
        await s.alice.told("quarantine", reason="bad_receipt")
        await _still_sent(s, message)


async def test_a_receipt_for_another_envelope_is_told(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        pair, message, _ = await _undelivered(s)
        keys, card = s.bob.account.keys, s.bob.card
        other = _receipt(keys, card, pair, _mark(s, 1, bytes(32)))
        await s.relay.notice(s.alice.card.id, pair, other)
        event = await s.alice.told("quarantine", reason="receipt_mismatch")
        assert event["from_card"] == card.id.hex()
        await _still_sent(s, message)


async def test_a_receipt_for_what_was_never_sent_is_told_and_covers_nothing_later(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        pair, _, _ = await _undelivered(s)
        keys, card = s.bob.account.keys, s.bob.card
        ahead = _receipt(keys, card, pair, _mark(s, 99, bytes(32)))
        await s.relay.notice(s.alice.card.id, pair, ahead)
        event = await s.alice.told("quarantine", reason="receipt_mismatch")
        assert event["sequence"] == 99
        later = await s.alice.send(pair, "and now?")
        await s.alice.outgoing(later, "sent")
        await _still_sent(s, later)
