"""Histories: of each identity an append-only hash chain of cards and statements, which says which cards count.

The relay orders the entries and every reader replays them. A statement signs its place and the entry before it, and so
everything before. Two kinds of entry are the relay's alone, for no card could sign them: that an identity begins with a
card, and that the operator revoked one. They work in the open only: a reader sees which they are, and a card of a new
beginning descends from none that the reader has pinned.

A card that is only published is in no history: whoever may publish could otherwise fill it, or outrun every statement
of its owner. It comes with the statement that makes it count.

Checks of `verify_entry` and `apply_entry`, in their order (docs/protocol/history.md):
 1. the entry is within its form; every signature in it verifies, a statement's by its author's card in this history
 2. cards and statement are of the history's identity, and the card is the statement's subject
 3. a statement continues the history: its position is the next, its previous entry the last
 4. a history begins, and begins anew only when no card in it is live, with a card that names no other card
 5. the author counts and is live; the operator only revokes
 6. the claim means something here (`_endorsed`, `_succeeded`, `_revoked`)
 7. the bounds hold afterwards
No time decides anything.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, assert_never

import msgspec
from msgspec import Meta, Struct

from peerpost_protocol import limits
from peerpost_protocol.card import Card, open_card
from peerpost_protocol.errors import HistoryError, SignatureError
from peerpost_protocol.signing import HISTORY_ENTRY_TYPE, Signed, identifier
from peerpost_protocol.statement import (
    Endorse,
    Reason,
    Revoke,
    Statement,
    StatementBody,
    Succeed,
    open_operator_statement,
    parse_statement,
    verify_statement,
)
from peerpost_protocol.wire import WireStruct

NOTHING = bytes(32)  # stands for the entry before the first


class CardState(StrEnum):
    """Say where a card stands in its identity's history."""

    UNENDORSED = "unendorsed"
    LIVE = "live"
    REPLACED = "replaced"
    REVOKED = "revoked"


class Began(WireStruct, frozen=True, tag="began"):
    """Begin the identity with a card: the relay's word."""

    card: Signed


class Stated(WireStruct, frozen=True, tag="stated"):
    """Be a card's statement, with the subject's card when that is to count from here on."""

    statement: Signed
    card: Signed | None


class Ruled(WireStruct, frozen=True, tag="ruled"):
    """Be a statement of the relay's operator."""

    statement: Signed


HistoryEntry = Began | Stated | Ruled
Entries = Annotated[tuple[HistoryEntry, ...], Meta(max_length=limits.MAX_HISTORY_ENTRIES_PER_FRAME)]
_KINDS: dict[type[HistoryEntry], int] = {Began: 0, Stated: 1, Ruled: 2}


class Entry(Struct, frozen=True):
    """Be an entry whose signatures have been verified. `card`: the one it brings."""

    wire: HistoryEntry
    card: Card | None
    statement: Statement | None


class Revocation(Struct, frozen=True):
    """Say how a card ended; `author` is a card's id, or the relay's key when `operator`."""

    position: int
    author: bytes
    operator: bool
    reason: Reason
    at_ms: int


class Counted(Struct, frozen=True):
    """Be a card that counts since `position`; `endorsers` is empty for one that an identity began with."""

    card: Card
    position: int
    endorsers: tuple[bytes, ...] = ()
    predecessor: bytes | None = None
    successor: bytes | None = None
    revocation: Revocation | None = None

    @property
    def live(self) -> bool:
        """Tell whether the card is neither revoked nor replaced."""
        return self.revocation is None and self.successor is None


class History(Struct, frozen=True):
    """Be an identity's history after `length` entries, the last of which has the id `head`.

    `cards`: all that ever counted, in the order in which they came to. `barred`: others that have been revoked.
    """

    identity: str
    length: int
    head: bytes
    cards: dict[bytes, Counted]
    barred: dict[bytes, Revocation]

    def state(self, card: bytes) -> CardState:
        """Return where a card stands."""
        found = self.cards.get(card)
        if found is None:
            return CardState.REVOKED if card in self.barred else CardState.UNENDORSED
        if found.revocation is not None:
            return CardState.REVOKED
        return CardState.LIVE if found.successor is None else CardState.REPLACED

    @property
    def live(self) -> tuple[Card, ...]:
        """Return the cards that count now, oldest first."""
        return tuple(counted.card for counted in self.cards.values() if counted.live)

    def descendants(self, anchors: Iterable[bytes]) -> frozenset[bytes]:
        """Return the ids of the anchors in this history and of all cards that they vouched for, live or not.

        Only these are known to be of the same owner as the anchors: a relay can begin a history with a card of its
        own and endorse a genuine one, but it cannot make a genuine card endorse.
        """
        vouched: dict[bytes, list[bytes]] = {}
        for id_, counted in self.cards.items():
            for by in (*counted.endorsers, *filter(None, (counted.predecessor,))):
                vouched.setdefault(by, []).append(id_)
        known = set(anchors) & self.cards.keys()
        waiting = list(known)
        while waiting:  # each card once: a chain of five hundred must not cost their square
            new = [id_ for id_ in vouched.get(waiting.pop(), ()) if id_ not in known]
            known.update(new)
            waiting += new
        return frozenset(known)


def open_history(
    entries: Iterable[HistoryEntry], relay: bytes, history: History | None = None
) -> History | None:
    """Return `history` after further entries; raise MalformedError, SignatureError or HistoryError.

    `relay`: the 32-byte public key of the relay that keeps it. None only when there is nothing at all.
    """
    for wire in entries:
        history = apply_entry(history, verify_entry(history, wire, relay))
    return history


def verify_entry(history: History | None, wire: HistoryEntry, relay: bytes) -> Entry:
    """Return the entry with its signatures verified; raise MalformedError, SignatureError, HistoryError."""
    match wire:
        case Began(card):
            return Entry(wire, open_card(card), None)
        case Stated(signed, brought):
            claim = parse_statement(signed)
            author = history.cards.get(claim.body.author) if history else None
            if author is None:
                raise HistoryError("not_endorsed", "the author's card does not count")  # 5
            statement = verify_statement(claim, author.card)
            return Entry(wire, open_card(brought) if brought else None, statement)
        case Ruled(signed):
            return Entry(wire, None, open_operator_statement(signed, relay))
        case _:
            assert_never(wire)


def apply_entry(history: History | None, entry: Entry) -> History:
    """Return the history after `entry`; raise HistoryError naming the check that failed."""
    if entry.statement is None:
        return _begun(history, entry)
    if history is None:
        raise HistoryError("history_conflict", "a history begins with a card")  # 4
    _fits(history, entry, entry.statement.body)
    after = _stated(history, entry, entry.statement)
    _bounded(after, entry.statement)
    return _moved(after, entry)


def entry_id(wire: HistoryEntry, position: int, previous: bytes, subject: bytes) -> bytes:
    """Return the 32-byte id of an entry; `subject`: the id of its statement, or of its card when it has none."""
    place = bytes([_KINDS[type(wire)]]) + position.to_bytes(8, "big")
    return identifier(HISTORY_ENTRY_TYPE, place + previous + subject)


def _begun(history: History | None, entry: Entry) -> History:
    card = entry.card
    if card is None or card.body.endorser is not None or card.body.predecessor is not None:
        raise HistoryError(
            "bad_statement", "an identity begins with a card that names no other"
        )  # 4
    before = history or History(card.identity, 0, NOTHING, {}, {})
    if card.identity != before.identity:
        raise HistoryError("bad_statement", "the card is of another identity")  # 2
    if before.live:
        raise HistoryError("identity_taken", "the identity has a live card")  # 4
    if before.state(card.id) is not CardState.UNENDORSED:
        raise HistoryError("card_revoked", "the card has ended")  # 4
    after = _with(before, Counted(card, before.length))
    _bounded(after, None)
    return _moved(after, entry)


def _fits(history: History, entry: Entry, body: StatementBody) -> None:
    if body.identity != history.identity:
        raise HistoryError("bad_statement", "the statement is about another identity")  # 2
    if entry.card is not None and (
        entry.card.id != body.subject or entry.card.identity != history.identity
    ):
        raise HistoryError("bad_statement", "the card is not the statement's subject")  # 2
    if body.position != history.length or body.previous != history.head:
        raise HistoryError("history_conflict", "the statement does not continue the history")  # 3


def _stated(history: History, entry: Entry, statement: Statement) -> History:
    body = statement.body
    if statement.operator:
        if not isinstance(body.claim, Revoke):
            raise HistoryError("bad_statement", "an operator only revokes")  # 5
        return _revoked(history, entry, statement, body.claim)
    author = history.cards.get(body.author)
    if author is None:
        raise HistoryError("not_endorsed", "the author's card does not count")  # 5
    if not author.live:
        raise HistoryError("card_revoked", "the author's card has ended")  # 5
    match body.claim:
        case Endorse():
            return _endorsed(history, entry, body)
        case Succeed():
            return _succeeded(history, entry, author)
        case Revoke():
            return _revoked(history, entry, statement, body.claim)
        case _:
            assert_never(body.claim)


def _endorsed(history: History, entry: Entry, body: StatementBody) -> History:
    known = history.cards.get(body.subject)
    if known is None:
        card = _arriving(history, entry)
        if card.body.predecessor is not None:
            raise HistoryError("bad_statement", "only its predecessor vouches for a successor")  # 6
        return _with(history, Counted(card, history.length, (body.author,)))
    if entry.card is not None or not known.live:
        raise HistoryError("bad_statement", "the subject counts already, or has ended")  # 6
    if body.author == body.subject or body.author in known.endorsers:
        raise HistoryError("bad_statement", "the author has vouched for this card already")  # 6
    endorsers = (*known.endorsers, body.author)
    return _with(history, msgspec.structs.replace(known, endorsers=endorsers))


def _succeeded(history: History, entry: Entry, author: Counted) -> History:
    card = _arriving(history, entry)
    if card.body.predecessor != author.card.id:
        raise HistoryError("bad_statement", "the successor does not name the author")  # 6
    ended = msgspec.structs.replace(author, successor=card.id)
    new = Counted(card, history.length, predecessor=author.card.id)
    return _with(_with(history, ended), new)


def _arriving(history: History, entry: Entry) -> Card:
    """Return the card that the entry brings, which must be a new one."""
    if entry.card is None:
        raise HistoryError("bad_statement", "the subject's card is missing")  # 6
    if history.state(entry.card.id) is not CardState.UNENDORSED:
        raise HistoryError("bad_statement", "the subject counts already, or has ended")  # 6
    return entry.card


def _revoked(history: History, entry: Entry, statement: Statement, claim: Revoke) -> History:
    body = statement.body
    known = history.cards.get(body.subject)
    if entry.card is not None or body.subject in history.barred:
        raise HistoryError("bad_statement", "the subject has been revoked already")  # 6
    revocation = Revocation(
        history.length, body.author, statement.operator, claim.reason, body.at_ms
    )
    if known is None:
        barred = {**history.barred, body.subject: revocation}
        return msgspec.structs.replace(history, barred=barred)
    if not known.live:
        raise HistoryError("bad_statement", "the subject has ended already")  # 6
    return _with(history, msgspec.structs.replace(known, revocation=revocation))


def _with(history: History, counted: Counted) -> History:
    cards = {**history.cards, counted.card.id: counted}
    return msgspec.structs.replace(history, cards=cards)


def _bounded(after: History, statement: Statement | None) -> None:
    revokes = statement is not None and isinstance(statement.body.claim, Revoke)
    if not revokes and len(after.live) > limits.MAX_CARDS_PER_MEMBER:
        raise HistoryError("too_many_cards", "the identity would have too many cards")  # 7
    ends_one = revokes and statement is not None and statement.body.subject in after.cards
    kept_free = 0 if ends_one else limits.MAX_CARDS_PER_MEMBER
    if after.length >= limits.MAX_HISTORY_ENTRIES - kept_free:
        raise HistoryError("too_many_cards", "the history would be too long")  # 7


def _moved(after: History, entry: Entry) -> History:
    subject = entry.statement.id if entry.statement else _card_of(entry).id
    head = entry_id(entry.wire, after.length, after.head, subject)
    return msgspec.structs.replace(after, length=after.length + 1, head=head)


def _card_of(entry: Entry) -> Card:
    if entry.card is None:
        raise SignatureError("wrong_card", "the entry has neither card nor statement")
    return entry.card
