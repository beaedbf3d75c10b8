"""A member wraps the content key for some recipients only, or gives one of them a wrap that does not open.

She would tell alice and bob different things, or make bob unable to read at all. Bob is told that there was a message
that he cannot read; alice, who can, is shown it; nobody's reader stops.
"""

from pathlib import Path

from msgspec.structs import replace

from peerpost_protocol import envelope as e
from peerpost_protocol.envelope import parse_envelope
from peerpost_protocol.frames import Accepted
from peerpost_protocol.wire import encode
from tests.attacks.scene import Scene, scene, sealed_by
from tests.support.forgery import digest_of_wraps, encrypted, opened_secret, signed_parts


async def _unreadable_for_bob(s: Scene, data: bytes, reason: str) -> None:
    assert isinstance(await s.client.publish(data), Accepted)
    await s.alice.shows(s.channel, "without bob")
    event = await s.bob.told("quarantine")
    assert (event["reason"], event["from_card"]) == (reason, s.mallory.card.id.hex())
    await s.bob_survives()


async def test_a_recipient_left_out_is_told(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        data = sealed_by(s.mallory, s.roster, "without bob", s.alice)
        await _unreadable_for_bob(s, data, "not_for_us")


async def test_a_wrap_that_does_not_open_is_told(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        claim = parse_envelope(s.forgery("without bob"))
        spoilt = encode(
            tuple(
                replace(wrap, sealed=bytes(48)) if wrap.recipient == s.bob.card.id else wrap
                for wrap in e._decode_wraps(claim.parts.wraps)
            )
        )
        # The commitment to the wraps is not in what a wrap is bound to, so alice's still opens;
        # the ciphertext has to be made anew, because the header is its associated data.
        secret = opened_secret(encode(claim.parts), s.mallory.card, s.mallory.keys)
        header = encode(replace(claim.header, wraps_digest=digest_of_wraps(spoilt)))
        ciphertext = encrypted(secret, header, e._opened(claim.parts, secret))
        data = signed_parts(s.mallory.keys, header, spoilt, ciphertext)
        await _unreadable_for_bob(s, data, "bad_ciphertext")
