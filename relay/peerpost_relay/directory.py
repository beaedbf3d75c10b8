"""The directory: who may publish a card, and what stands behind it.

Attacker: somebody without permission who guesses tokens, or who publishes a card for another's
identity. A token has 256 random bits and only its SHA-256 is stored, so looking it up by that
digest tells nothing by its timing; wrong ones count as failed tries of the session.

Checks of `publish_card`, in their order (docs/protocol/frames.md, "publish_card"):
 1. a card that is there already is accepted again, unless it has been revoked
 2. the token, where one is given or required, is live and for this identity
 3. the identity has no live card
"""

import base64
import re
from hashlib import sha256

from peerpost_protocol.card import Card
from peerpost_protocol.errors import MalformedError
from peerpost_protocol.frames import Attestation, CardRecord
from peerpost_protocol.identity import normalise
from peerpost_protocol.limits import MAX_CARDS_PER_ANSWER
from peerpost_protocol.refusals import Refusal
from peerpost_relay.errors import RefusalError
from peerpost_relay.outcomes import Outcome
from peerpost_relay.store import Snapshot, Token, Transaction

TOKEN_PREFIX = "pp_"  # noqa: S105  what all tokens begin with, so that scanners for secrets find them
TOKEN_BYTES = 32
PATTERN_CHARACTERS_MAX = 254

_PATTERN = re.compile(r"[a-z0-9_.+@*-]+")


def publish_card(
    transaction: Transaction, card: Card, token: str | None, now_ms: int, *, require_token: bool
) -> Outcome:
    """Put the card into the directory; raise RefusalError."""
    known = transaction.standing(card.id)
    if known is not None:
        if known.revoked_at_ms is not None:
            raise RefusalError(Refusal.CARD_REVOKED, "the card has been revoked")
        return Outcome(card.id, 0)  # 1
    attestation = attest(transaction, card.identity, token, now_ms, require_token=require_token)
    require_free(transaction, card)  # 3
    transaction.add_card(card, attestation, now_ms)
    return Outcome(card.id, 0)


def attest(
    transaction: Transaction, identity: str, token: str | None, now_ms: int, *, require_token: bool
) -> Attestation:
    """Return what stands behind a new card of the identity, using up the token (check 2)."""
    if token is None:
        if require_token:
            raise RefusalError(Refusal.TOKEN_REQUIRED, "this relay takes cards with a token only")
        return Attestation.UNVERIFIED
    found = transaction.token(digest_of(token))
    if found is None or not is_live(found, now_ms) or not matches(found.identity, identity):
        raise RefusalError(
            Refusal.TOKEN_REFUSED,
            "the token is unknown, expired, used up, revoked or for another identity",
            field="token",
        )
    transaction.use_token(found.number)
    return Attestation.AUTHORIZED


def require_free(transaction: Transaction, card: Card) -> None:
    """Refuse a card of an identity that has a live one."""
    if transaction.live_records(card.identity, 1):
        raise RefusalError(Refusal.IDENTITY_TAKEN, "the identity has a card already")


def search(snapshot: Snapshot, identities: tuple[str, ...]) -> tuple[CardRecord, ...]:
    """Return the live cards of all identities, as many as one answer holds."""
    found: list[CardRecord] = []
    for identity in dict.fromkeys(identities):
        found += snapshot.live_records(identity, MAX_CARDS_PER_ANSWER - len(found))
    return tuple(found)


def is_live(token: Token, now_ms: int) -> bool:
    """Tell whether a token may still be used."""
    expired = token.expires_at_ms is not None and token.expires_at_ms <= now_ms
    return token.revoked_at_ms is None and not expired and token.uses_left != 0


def matches(pattern: str, identity: str) -> bool:
    """Tell whether a pattern, in which `*` stands for anything, fits an identity whole."""
    parts = pattern.split("*")
    if len(parts) == 1:
        return pattern == identity
    first, *middle, last = parts
    if not identity.startswith(first):
        return False
    place = len(first)
    for part in middle:  # leftmost fits suffice and keep this linear, as no regular expression is
        place = identity.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return len(identity) - len(last) >= place and identity.endswith(last)


def pattern_of(text: str) -> str:
    """Return a token's identity pattern in its one form; raise MalformedError."""
    folded = text.strip().lower()
    if "*" not in folded:
        return normalise(folded)
    if len(folded) > PATTERN_CHARACTERS_MAX or not _PATTERN.fullmatch(folded):
        raise MalformedError(
            "bad_identity", "a pattern is an identity in which * stands for anything"
        )
    return folded


def make_token(random: bytes) -> str:
    """Return the token of 32 random bytes, as its owner keeps it."""
    return TOKEN_PREFIX + base64.urlsafe_b64encode(random).decode().rstrip("=")


def digest_of(token: str) -> bytes:
    """Return what is stored of a token."""
    return sha256(token.encode()).digest()
