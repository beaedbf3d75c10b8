"""A member takes another's envelope, strips the signature and signs it with her own key as her own.

In the original the words of alice were then mallory's. Here mallory knows the content key, so she can even encrypt
alice's very content anew under a header of hers; but sender, channel and sequence stand inside the content too.
"""

from pathlib import Path

from msgspec.structs import replace

from peerpost_protocol import envelope as e
from peerpost_protocol.envelope import Header, parse_envelope
from peerpost_protocol.frames import Accepted
from peerpost_protocol.wire import encode
from tests.attacks.scene import Scene, scene
from tests.support.forgery import digest_of_wraps, encrypted, opened_secret, signed_parts
from tests.support.taking_down import taken_down

WORDS = "I owe mallory 10"


def _own_header(s: Scene, stolen: Header, wraps: bytes) -> bytes:
    place = s.mallory.place(s.roster)
    return encode(
        replace(
            stolen,
            sender=s.mallory.card.id,
            sequence=place.sequence,
            previous=place.previous,
            message=place.message,
            wraps_digest=digest_of_wraps(wraps),
        )
    )


async def test_a_ciphertext_under_another_header_does_not_open(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        claim = parse_envelope(await taken_down(s.client, s.alice, s.channel, WORDS))
        header = _own_header(s, claim.header, claim.parts.wraps)
        data = signed_parts(s.mallory.keys, header, claim.parts.wraps, claim.parts.ciphertext)
        assert isinstance(await s.client.publish(data), Accepted)
        event = await s.bob.told("quarantine", from_card=s.mallory.card.id.hex())
        assert event["reason"] == "bad_ciphertext"
        await s.bob_survives(WORDS)


async def test_a_content_encrypted_anew_still_names_its_author(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        stolen = await taken_down(s.client, s.alice, s.channel, WORDS)
        claim = parse_envelope(stolen)
        secret = opened_secret(stolen, s.mallory.card, s.mallory.keys)
        padded = e._opened(claim.parts, secret)
        recipients = (s.alice.card, s.bob.card)
        place = s.mallory.place(s.roster)
        commitment = claim.header.key_commitment
        context = [e._context(place, s.mallory.card.id, commitment, c.id) for c in recipients]
        wraps = encode(
            tuple(
                e._wrap(card, where, secret, lambda n: bytes(range(n)))
                for card, where in zip(recipients, context, strict=True)
            )
        )
        header = encode(
            replace(e._decode_header(_own_header(s, claim.header, wraps)), message=place.message)
        )
        data = signed_parts(s.mallory.keys, header, wraps, encrypted(secret, header, padded))
        assert isinstance(await s.client.publish(data), Accepted)
        event = await s.bob.told("quarantine", from_card=s.mallory.card.id.hex())
        assert event["reason"] == "wrong_place"
        await s.bob_survives(WORDS)
