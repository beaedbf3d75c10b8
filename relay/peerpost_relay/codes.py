"""Codes that prove an identity, and the rules for them, in a transaction.

Attacker: somebody who wants to be `verified` as another: guesses codes, uses one again, or one that was sent for
another device or identity; or who has read the store. A code has 40 random bits, holds for the cards of one identity
with one signing key, for minutes, once, and dies after a few wrong tries. What is stored is its HMAC under a key that
only this process has and that ends with it. It is the key and not the card: a device that learns, by its code, that its
identity is taken issues its card anew, naming the card that is to endorse it.

Checks of `confirm`, in their order (docs/protocol/frames.md, "confirm_proof"); the first three are refused alike:
 1. a code was sent for this key and identity
 2. it has not expired
 3. it is this one; a wrong one is counted
 4. the card may be in the directory
"""

import hmac
from collections.abc import Callable
from hashlib import sha256

from msgspec.structs import replace

from peerpost_protocol.card import Card
from peerpost_protocol.frames import Attestation
from peerpost_protocol.refusals import Refusal
from peerpost_relay import directory
from peerpost_relay.errors import RefusalError
from peerpost_relay.history_store import Proof
from peerpost_relay.outcomes import Outcome
from peerpost_relay.store import Transaction
from peerpost_relay.tokens import Backing

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # 32 characters: none that look alike
CODE_CHARACTERS = 8
GROUP = 4

REFUSED = RefusalError(
    Refusal.CODE_REFUSED, "the code is wrong, expired, used, tried too often or for another card"
)


def make_code(random_bytes: Callable[[int], bytes]) -> str:
    """Return a new code as it is mailed: two groups of four characters, 5 random bits each."""
    letters = "".join(ALPHABET[byte % len(ALPHABET)] for byte in random_bytes(CODE_CHARACTERS))
    return f"{letters[:GROUP]}-{letters[GROUP:]}"


def subject_of(card: Card) -> bytes:
    """Return for whom a code holds: 32 bytes for the cards of one identity with one signing key."""
    return sha256(card.body.signing_key + card.identity.encode()).digest()


def digest_of(key: bytes, card: Card, code: str) -> bytes:
    """Return what is stored of a code, however it was typed."""
    typed = "".join(code.upper().replace("-", " ").split())
    return hmac.new(key, subject_of(card) + typed.encode(errors="replace"), sha256).digest()


def start(transaction: Transaction, card: Card, proof: Proof, now_ms: int, *, own: bool) -> Outcome:
    """Remember that a code is sent for a card; raise RefusalError."""
    require_own(transaction, card, own=own)
    transaction.forget_proofs(now_ms)
    transaction.put_proof(subject_of(card), proof)
    return Outcome(card.id, 0)


def confirm(
    transaction: Transaction, card: Card, digest: bytes, now_ms: int, waiting_ms: int, *, own: bool
) -> Outcome | RefusalError:
    """Verify a card by its code; raise RefusalError. A refusal that is returned is stored as a wrong try."""
    require_own(transaction, card, own=own)
    subject = subject_of(card)
    proof = transaction.proof(subject)
    if proof is None or proof.expires_at_ms <= now_ms:
        raise REFUSED  # 1, 2
    if not hmac.compare_digest(proof.digest, digest):
        left = proof.tries_left - 1
        transaction.put_proof(subject, replace(proof, tries_left=left) if left > 0 else None)
        return REFUSED  # 3
    transaction.put_proof(subject, None)
    return verify(transaction, card, now_ms, waiting_ms)  # 4


def verify(transaction: Transaction, card: Card, now_ms: int, waiting_ms: int) -> Outcome:
    """Note that the card's identity is proven; publish the card if it is not there."""
    known = transaction.card(card.id)
    if known is None:
        return directory.admit(transaction, card, Backing(Attestation.VERIFIED), now_ms, waiting_ms)
    if known.revoked_at_ms is not None:
        raise RefusalError(Refusal.CARD_REVOKED, "the card has been revoked")
    transaction.set_attestation(card.id, Attestation.VERIFIED, known.token)
    return Outcome(card.id, 0)


def require_own(transaction: Transaction, card: Card, *, own: bool) -> None:
    """Refuse to prove a published card for whoever is not authenticated as it."""
    # A published card is known to everybody: others could use up its tries, or its codes of the hour.
    if not own and transaction.standing(card.id) is not None:
        raise RefusalError(Refusal.NOT_AUTHENTICATED, "authenticate as this card first")
