"""Histories: what a statement brings about, in the transaction that stores it. Signatures have been verified before.

Checks of `submit`, in their order (docs/protocol/frames.md, "submit_statement"):
 1. the author's card is known and has not ended
 2. the statement is new; the same again is answered with its first place
 3. the subject's card is here, when it is to count from here on
 4. the entry continues the history by the rules of history.py
What follows of it is stored with it: a card that comes to count enters the channels of its identity, one that ends
leaves them.
"""

from functools import cache

from peerpost_protocol import limits
from peerpost_protocol.card import Card
from peerpost_protocol.errors import HistoryError
from peerpost_protocol.frames import HistoryPage
from peerpost_protocol.history import (
    Began,
    CardState,
    Entry,
    History,
    Ruled,
    Stated,
    apply_entry,
)
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.signing import SigningKey
from peerpost_protocol.statement import (
    Reason,
    Revoke,
    Statement,
    StatementBody,
    open_operator_statement,
    sign_operator_statement,
)
from peerpost_relay.errors import RefusalError, refusal_of
from peerpost_relay.history_store import StoredEntry
from peerpost_relay.outcomes import Entered, Outcome
from peerpost_relay.publishing import standing
from peerpost_relay.store import Snapshot, StoredCard, Transaction


def submit(transaction: Transaction, statement: Statement, now_ms: int, waiting_ms: int) -> Outcome:
    """Store a statement and what it changes; raise RefusalError."""
    body = statement.body
    standing(transaction, body.author)  # 1
    known = transaction.statement(statement.id)
    if known is not None:
        return Outcome(known.id, known.position)  # 2
    if body.position != transaction.history_length(body.identity):  # what is late costs no replay
        raise RefusalError(
            Refusal.HISTORY_CONFLICT, "the statement does not continue the history"
        )  # 4
    history = load(transaction, body.identity)
    card = None
    if not isinstance(body.claim, Revoke) and (
        history is None or body.subject not in history.cards
    ):
        card = _waiting(transaction, body.subject, now_ms - waiting_ms)  # 3
    wire = Stated(statement.signed, card.signed if card else None)
    return enter(transaction, history, Entry(wire, card, statement), now_ms)


def begin(transaction: Transaction, card: Card, now_ms: int) -> Outcome:
    """Begin a history, or begin it anew, with a card that has just been added; raise RefusalError."""
    entry = Entry(Began(card.signed), card, None)
    return enter(transaction, load(transaction, card.identity), entry, now_ms)


def rule(
    transaction: Transaction, card: StoredCard, reason: Reason, key: SigningKey, now_ms: int
) -> Outcome:
    """Revoke a card as the relay's operator; raise RefusalError."""
    identity = card.card.identity
    history = load(transaction, identity)
    if history is None:
        raise RefusalError(Refusal.UNKNOWN_CARD, "the identity has no history")
    body = StatementBody(
        key.public, card.card.id, identity, now_ms, history.length, history.head, Revoke(reason)
    )
    signed = sign_operator_statement(key, body)
    statement = open_operator_statement(signed, key.public)
    return enter(transaction, history, Entry(Ruled(signed), None, statement), now_ms)


def enter(transaction: Transaction, history: History | None, entry: Entry, now_ms: int) -> Outcome:
    """Put an entry at the end of its history, with all that follows of it; raise RefusalError."""
    try:
        after = apply_entry(history, entry)  # 4
    except HistoryError as error:
        raise refusal_of(error) from None
    stored = StoredEntry(after.identity, after.length - 1, after.head, entry.wire)
    transaction.add_entry(stored, entry.statement.id if entry.statement else None)
    transaction.replays.keep(after)
    channels = transaction.open_channels(after.identity)
    begun = []
    ended = []
    for id_ in _concerned(entry):
        state = after.state(id_)
        _note(transaction, after, id_, now_ms)
        if state is CardState.LIVE and (history is None or id_ not in history.cards):
            begun += _join(transaction, id_, channels, after)
        elif state in {CardState.REVOKED, CardState.REPLACED}:
            ended.append(id_)
    for id_ in ended:
        _leave(transaction, id_, channels)
    news = Entered(
        after.identity,
        stored.position,
        entry.wire,
        tuple(after.cards) + tuple(ended),
        tuple(id_ for id_, _, _ in channels),
        tuple(begun),
        tuple(ended),
    )
    return Outcome(after.head, stored.position, news)


def load(transaction: Transaction, identity: str) -> History | None:
    """Return an identity's history as it is stored; None when it has none."""
    return transaction.replays.load(transaction, identity)


def page(snapshot: Snapshot, request: int, identity: str, position: int) -> HistoryPage:
    """Answer `read_history`."""
    found = snapshot.history(identity, position, limits.MAX_HISTORY_ENTRIES_PER_FRAME)
    entries = tuple(stored.wire for stored in found)
    return HistoryPage(request, identity, entries, snapshot.history_length(identity))


def _waiting(transaction: Transaction, id_: bytes, since_ms: int) -> Card:
    """Return the card that is to count from here on."""
    found = transaction.card(id_)
    if found is None or (found.state is CardState.UNENDORSED and found.published_at_ms < since_ms):
        raise RefusalError(Refusal.UNKNOWN_CARD, "the subject's card is not here", subject=id_)
    return found.card


def _concerned(entry: Entry) -> tuple[bytes, ...]:
    """Return the ids of the cards that an entry is about, the ones that end first."""
    if entry.statement is None:
        return (entry.card.id,) if entry.card else ()
    body = entry.statement.body
    return tuple(dict.fromkeys((body.author, body.subject)))


def _note(transaction: Transaction, history: History, id_: bytes, now_ms: int) -> None:
    known = transaction.standing(id_)
    if known is None:
        return  # the relay's key, or a card that was barred and never came
    state = history.state(id_)
    counted = history.cards.get(id_)
    ended_at_ms = known.revoked_at_ms
    if state in {CardState.REVOKED, CardState.REPLACED} and ended_at_ms is None:
        ended_at_ms = now_ms
    transaction.set_state(id_, state, b"".join(counted.endorsers) if counted else b"", ended_at_ms)


def _join(
    transaction: Transaction, id_: bytes, channels: list[tuple[bytes, int, int]], after: History
) -> list[tuple[bytes, bytes, int]]:
    """Bring a card into the channels of the cards from which it descends."""
    found = transaction.standing(id_)
    assert found is not None  # it has just been noted
    begun = []
    descends = cache(lambda cards: id_ in after.descendants(cards))  # there may be 4,096 channels
    for channel, number, last in channels:
        roster = transaction.roster_of(number, found.identity)
        member = roster.members.get(found.identity)
        if member is not None and descends(member.cards):
            posts = roster.may_post(member)
            first = _first(transaction, after, id_, number, last)
            transaction.begin_membership(number, found.number, first, posts=posts)
            begun.append((id_, channel, first))
    return begun


def _first(transaction: Transaction, after: History, id_: bytes, number: int, last: int) -> int:
    """Return from where a card may read: a successor from where its predecessor could, the same device reads on."""
    predecessor = after.cards[id_].predecessor
    before = transaction.standing(predecessor) if predecessor else None
    intervals = transaction.intervals(number, before.number) if before else []
    return intervals[-1].first if intervals and intervals[-1].last is None else last + 1


def _leave(transaction: Transaction, id_: bytes, channels: list[tuple[bytes, int, int]]) -> None:
    found = transaction.standing(id_)
    if found is None:
        return
    for _, number, last in channels:
        transaction.end_membership(number, found.number, last)
