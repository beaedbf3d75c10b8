"""The directory: who may publish a card, and what stands behind it.

Attacker: somebody without permission who guesses tokens, or who publishes a card for another's
identity. A token has 256 random bits and only its SHA-256 is stored, so looking it up by that
digest tells nothing by its timing; wrong ones count as failed tries of the session.

Checks of `publish_card`, in their order (docs/protocol/frames.md, "publish_card"):
 1. a card that is there already is accepted again, unless it has ended
 2. the token, where one is given or required, is live and for this identity; behind a successor that its predecessor
    brings stands what stands behind that one
 3. a card that names no other: the identity has no live card
 4. a card that names another: that one is live and of this identity, and there is room among those that wait
"""

from peerpost_protocol.card import Card, open_card
from peerpost_protocol.frames import Attestation, CardRecord
from peerpost_protocol.history import CardState
from peerpost_protocol.limits import MAX_CARDS_PER_ANSWER, MAX_WAITING_CARDS
from peerpost_protocol.refusals import Refusal
from peerpost_relay import histories
from peerpost_relay.errors import RefusalError
from peerpost_relay.outcomes import Outcome
from peerpost_relay.store import Snapshot, StoredCard, Transaction
from peerpost_relay.tokens import Backing, attest

_STRENGTH = (Attestation.UNVERIFIED, Attestation.AUTHORIZED, Attestation.VERIFIED)


def publish_card(
    transaction: Transaction,
    card: Card,
    token: str | None,
    now_ms: int,
    *,
    without: Refusal | None,
    waiting_ms: int = 7 * 86_400_000,
    author: bytes | None = None,
) -> Outcome:
    """Put the card into the directory; raise RefusalError.

    `without`: why a card without a token is refused, None where it is taken as unverified. `author`: the card
    of the session, if it has one.
    """
    known = transaction.card(card.id)
    if known is not None:
        return _again(transaction, known, token, now_ms)  # 1
    backing = None
    if token is None and author is not None and author == card.body.predecessor:
        backing = _inherited(transaction, author)  # 2
    if backing is None:
        backing = attest(transaction, card.identity, token, now_ms, without=without)  # 2
    return admit(transaction, card, backing, now_ms, waiting_ms)


def admit(
    transaction: Transaction, card: Card, backing: Backing, now_ms: int, waiting_ms: int
) -> Outcome:
    """Put a card with something behind it into the directory; raise RefusalError."""
    if card.body.endorser is None and card.body.predecessor is None:
        require_free(transaction, card)  # 3
        _add(transaction, card, backing, CardState.LIVE, now_ms)
        begun = histories.begin(transaction, card, now_ms)
        return Outcome(card.id, 0, begun.news)
    require_named(transaction, card)  # 4
    require_place(transaction, card, backing.attestation, now_ms - waiting_ms)
    _add(transaction, card, backing, CardState.UNENDORSED, now_ms)
    return Outcome(card.id, 0)


def require_free(transaction: Transaction, card: Card) -> None:
    """Refuse a first card of an identity that has a live one."""
    found = transaction.live_records(card.identity, 1)
    if found:
        raise RefusalError(
            Refusal.IDENTITY_TAKEN,
            "the identity has a card already; link this device to it",
            subject=open_card(found[0].card).id,
        )


def require_named(transaction: Transaction, card: Card) -> None:
    """Refuse a further card that names none of its identity's live ones."""
    for named in (card.body.endorser, card.body.predecessor):
        found = transaction.standing(named) if named else None
        if named and (
            found is None or found.identity != card.identity or found.state is not CardState.LIVE
        ):
            raise RefusalError(
                Refusal.BAD_STATEMENT,
                "the card that this one names is no live card of the identity",
            )


def require_place(
    transaction: Transaction, card: Card, attestation: Attestation, since_ms: int
) -> None:
    """Make room among the cards that wait; refuse when stronger or equal ones have it all."""
    waiting = []
    for each in transaction.waiting_cards(card.identity):
        if each.published_at_ms < since_ms:
            transaction.drop_card(each.number)
        else:
            waiting.append(each)
    if len(waiting) < MAX_WAITING_CARDS:
        return
    weaker = [w for w in waiting if strength(w.attestation) < strength(attestation)]
    if not weaker:
        raise RefusalError(
            Refusal.TOO_MANY_CARDS, "as many cards as may wait for an endorsement of this identity"
        )
    # Whoever may publish without proof could otherwise keep the owner's next device out.
    transaction.drop_card(min(weaker, key=lambda w: strength(w.attestation)).number)


def strength(attestation: Attestation) -> int:
    """Return how much stands behind a card: more is stronger."""
    return _STRENGTH.index(attestation)


def search(snapshot: Snapshot, identities: tuple[str, ...]) -> tuple[CardRecord, ...]:
    """Return the live cards of all identities, as many as one answer holds."""
    found: list[CardRecord] = []
    for identity in dict.fromkeys(identities):
        found += snapshot.live_records(identity, MAX_CARDS_PER_ANSWER - len(found))
    return tuple(found)


def search_domain(snapshot: Snapshot, domain: str, after: str | None) -> tuple[CardRecord, ...]:
    """Return the live cards of a domain's identities behind one, as many as one answer holds."""
    return tuple(snapshot.domain_records(domain, after or "", MAX_CARDS_PER_ANSWER))


def waiting(snapshot: Snapshot, card: bytes, since_ms: int) -> tuple[CardRecord, ...]:
    """Return the cards that wait for an endorsement beside a card that counts; raise RefusalError."""
    found = snapshot.standing(card)
    if found is None or found.state is not CardState.LIVE:
        raise RefusalError(Refusal.NOT_ENDORSED, "the session's card does not count")
    return tuple(snapshot.waiting_records(found.identity, since_ms))


def _inherited(transaction: Transaction, author: bytes) -> Backing | None:
    """Return what stands behind a live card, None when that is a token that has been revoked."""
    found = transaction.card(author)
    if found is None or found.state is not CardState.LIVE or found.forsaken:
        return None
    return Backing(found.attestation, found.token)


def _again(transaction: Transaction, known: StoredCard, token: str | None, now_ms: int) -> Outcome:
    """Accept a card again; a token may mend what stands behind it."""
    if known.revoked_at_ms is not None:
        raise RefusalError(Refusal.CARD_REVOKED, "the card has been revoked")
    if token is not None and (known.forsaken or known.attestation is Attestation.UNVERIFIED):
        backing = attest(transaction, known.card.identity, token, now_ms, without=None)
        transaction.set_attestation(known.card.id, backing.attestation, backing.token)
    return Outcome(known.card.id, 0)


def _add(
    transaction: Transaction, card: Card, backing: Backing, state: CardState, now_ms: int
) -> None:
    transaction.add_card(card, backing.attestation, now_ms, state=state, token=backing.token)
