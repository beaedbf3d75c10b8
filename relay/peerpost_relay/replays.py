"""Histories as they were replayed last, within a bound: an entry then costs itself, and not all that came before it.

What is remembered may be of a transaction that was undone, or older than what the operator's commands have written. So
it is believed only where its head is the entry that is stored in its place: entries are a hash chain, and all before
that one are the same as well.
"""

from collections import OrderedDict
from typing import Final

from peerpost_protocol import limits
from peerpost_protocol.card import Card, CardBody
from peerpost_protocol.history import (
    Began,
    Entry,
    History,
    HistoryEntry,
    Ruled,
    Stated,
    apply_entry,
)
from peerpost_protocol.signing import CARD_TYPE, Signed, identifier
from peerpost_protocol.statement import Statement, open_operator_statement, parse_statement
from peerpost_protocol.wire import Decoder
from peerpost_relay.history_store import HistorySnapshot

MAX_ENTRIES: Final = (
    16_384  # of all histories that are remembered; a thousand of them are about 1 MB
)

_decode_card = Decoder[CardBody](CardBody, "stored card", limits.MAX_CARD)


class Replays:
    """Remember histories, those that were asked for last. For one thread at a time."""

    def __init__(self, entries_max: int = MAX_ENTRIES) -> None:
        self._entries_max = entries_max
        self._histories: OrderedDict[str, History] = OrderedDict()
        self.entries = 0

    def load(self, snapshot: HistorySnapshot, identity: str) -> History | None:
        """Return an identity's history as it is stored; None when it has none."""
        history = self._drop(identity)
        stored = snapshot.history(
            identity, history.length - 1 if history else 0, limits.MAX_HISTORY_ENTRIES
        )
        if history is not None and (not stored or stored[0].id != history.head):
            history = None
            stored = snapshot.history(identity, 0, limits.MAX_HISTORY_ENTRIES)
        for entry in stored[1:] if history else stored:
            history = apply_entry(history, _trusted(entry.wire))
        if history is not None:
            self.keep(history)
        return history

    def keep(self, history: History) -> None:
        """Remember a history as it is now."""
        self._drop(history.identity)
        self._histories[history.identity] = history
        self.entries += history.length
        while self.entries > self._entries_max:
            self._drop(next(iter(self._histories)))

    def _drop(self, identity: str) -> History | None:
        history = self._histories.pop(identity, None)
        self.entries -= history.length if history else 0
        return history


def _trusted(wire: HistoryEntry) -> Entry:
    """Return an entry of the store, whose signatures were verified when it came in."""
    match wire:
        case Began(signed):
            return Entry(wire, _card(signed), None)
        case Stated(signed, brought):
            claim = parse_statement(signed)
            statement = Statement(claim.id, claim.body, signed, operator=False)
            return Entry(wire, _card(brought) if brought else None, statement)
        case Ruled(signed):
            claim = parse_statement(signed)
            return Entry(wire, None, open_operator_statement(signed, claim.body.author))


def _card(signed: Signed) -> Card:
    return Card(identifier(CARD_TYPE, signed.payload), _decode_card(signed.payload), signed)
