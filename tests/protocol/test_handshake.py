"""The handshake: an answer fits one relay, one connection and one card."""

import msgspec
import pytest

from peerpost_protocol.errors import SignatureError
from peerpost_protocol.handshake import (
    Challenge,
    sign_authentication,
    sign_challenge,
    verify_authentication,
    verify_challenge,
)
from peerpost_protocol.signing import SigningKey
from tests.support.people import NOW_MS, digest, person, relay_key

ALICE = person("alice")
CHALLENGE = Challenge(relay_key().public, digest("client"), digest("relay"), NOW_MS)
CHANGES: list[dict[str, object]] = [
    {"relay": SigningKey(digest("another relay")).public},
    {"client_nonce": digest("another client nonce")},
    {"relay_nonce": digest("another relay nonce")},
    {"at_ms": NOW_MS + 1},
]


def test_both_ends_prove_their_keys() -> None:
    verify_challenge(CHALLENGE, sign_challenge(relay_key(), CHALLENGE))
    answer = sign_authentication(ALICE.keys.signing, CHALLENGE, ALICE.card.id)
    verify_authentication(CHALLENGE, ALICE.card, answer)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_a_challenge_with_another_part_is_refused(change: dict[str, object]) -> None:
    signature = sign_challenge(relay_key(), CHALLENGE)
    with pytest.raises(SignatureError):
        verify_challenge(msgspec.structs.replace(CHALLENGE, **change), signature)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_an_answer_to_another_challenge_is_refused(change: dict[str, object]) -> None:
    answer = sign_authentication(ALICE.keys.signing, CHALLENGE, ALICE.card.id)
    with pytest.raises(SignatureError):
        verify_authentication(msgspec.structs.replace(CHALLENGE, **change), ALICE.card, answer)


def test_an_answer_for_another_card_is_refused() -> None:
    phone = person("alice", device="phone")
    answer = sign_authentication(ALICE.keys.signing, CHALLENGE, phone.card.id)
    with pytest.raises(SignatureError):
        verify_authentication(CHALLENGE, phone.card, answer)
    with pytest.raises(SignatureError):
        verify_authentication(CHALLENGE, ALICE.card, answer)


def test_the_challenge_is_not_its_own_answer() -> None:
    key = ALICE.keys.signing
    challenge = msgspec.structs.replace(CHALLENGE, relay=key.public)
    with pytest.raises(SignatureError):
        verify_authentication(challenge, ALICE.card, sign_challenge(key, challenge))
