"""A recipient, who knows the content key, puts a ciphertext of her own under alice's header, with the relay's help.

Header, wraps and signature are alice's own and untouched; the ciphertext opens with the right key under the right
header, and names alice. Only the signature over the ciphertext's digest tells (docs/decisions/0001).
"""

from pathlib import Path

from peerpost_protocol.content import Content, Text, encode_content
from peerpost_protocol.envelope import parse_envelope
from peerpost_protocol.padding import pad
from tests.attacks.scene import scene
from tests.support.forgery import encrypted, opened_secret, repacked
from tests.support.malicious_relay import envelopes


async def test_other_words_under_anothers_header_are_not_shown(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:

        def swap(data: bytes) -> bytes:
            claim = parse_envelope(data)
            secret = opened_secret(data, s.mallory.card, s.mallory.keys)
            words = Content(s.alice.card.id, s.channel, 1, None, None, Text("pay mallory"), None)
            padded = pad(encode_content(words))
            return repacked(data, ciphertext=encrypted(secret, claim.parts.header, padded))

        s.relay.rewrite(s.bob.card.id, envelopes(swap))
        await s.alice.send(s.channel, "pay bob")
        assert (await s.bob.told("quarantine"))["reason"] == "bad_signature"
        s.relay.rewrite(s.bob.card.id, envelopes(lambda data: data))
        await s.bob_survives()
