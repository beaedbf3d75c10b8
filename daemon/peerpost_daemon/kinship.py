"""Kinship: what a history makes of the cards of a contact. Runs inside one transaction.

Attacker: the relay, which orders histories. It cannot make a genuine card endorse, so the cards that are known here are
the anchors, and what descends from them is believed:

    in the history a card is            and it descends from a known one   it does not
    live                                endorsed                           offered: a change of the contact
    replaced, or revoked as retired     ended: verifies, no longer sealed to
    revoked otherwise                   revoked: nothing more by it is shown

The relay may begin an identity anew once no card of it is live: that card descends from none, and is offered.

At first sight none is known, and one card is believed as it is shown. With it are taken the cards that have a common
ancestor with it: a second device and the successor of the first do not descend from one another. A relay that
puts a card of its own there has begun the history itself; the checkpoints of those who know the true one, and the
safety number, tell.
"""

from typing import Final

from peerpost_daemon import event_data
from peerpost_daemon.records import contacts, events, lineage
from peerpost_daemon.records.contacts import Contact
from peerpost_daemon.trust import ContactState, Step, Trust
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card
from peerpost_protocol.history import Counted, History
from peerpost_protocol.statement import Reason

_GENTLE: Final = (Reason.RETIRED, Reason.UNSPECIFIED)
_EVENTS: Final = {
    Trust.ENDORSED: "endorsed_card",
    Trust.OFFERED: "another_card",
    Trust.ENDED: "ended_card",
    Trust.REVOKED: "revoked_card",
}


def meet(db: SqlConnection, card: Card, me: Card, now_ms: int) -> None:
    """Store a card that somebody showed; raise an event when it is not its contact's."""
    first = contacts.state(db, card.identity) is ContactState.UNKNOWN
    if contacts.meet(db, card, now_ms) is Trust.OFFERED:
        state = contacts.state(db, card.identity).value
        shown = event_data.ContactChangedData(card.identity, card.id.hex(), "another_card", state)
        events.add(db, event_data.CONTACT_CHANGED, now_ms, shown)
    elif first and not contacts.has_list(db, card):
        _pin_kin(db, card, now_ms)
    settle(db, card.identity, me, now_ms)


def settle(db: SqlConnection, identity: str, me: Card, now_ms: int) -> bool:
    """Judge the cards of an identity by its history; return whether anything changed."""
    history = lineage.find(db, identity)
    if history is None:
        return False
    if identity == me.identity:
        if me.id not in history.cards:
            return False  # not approved yet: whose device this is has to be said first
        know_oneself(db, me, now_ms)
    contact = contacts.find(db, identity)
    if contact is None or not contact.cards:
        return False  # never met: its first cards are pinned when it is
    known = {one.card.id: one.trust for one in contact.cards}
    kin = _kin(history, contact, me)
    changed = False
    for id_, counted in history.cards.items():
        trust = _trust(counted, known.get(id_), descends=id_ in kin)
        if trust is not known.get(id_):
            _take(db, counted.card, known.get(id_), trust, now_ms)
            changed = True
    for id_ in history.barred.keys() & known.keys():
        if known[id_] is not Trust.REVOKED:
            contacts.set_trust(db, id_, Trust.REVOKED)
            changed = True
    return changed


def know_oneself(db: SqlConnection, me: Card, now_ms: int) -> None:
    """Let the account's own card be the anchor of its identity; once."""
    if contacts.standing(db, me.id) is not None:
        return
    contacts.store(db, me, Trust.PINNED, now_ms)
    if contacts.state(db, me.identity) is ContactState.UNKNOWN:
        contacts.move(db, me.identity, Step.MEET, now_ms)
        contacts.move(db, me.identity, Step.VERIFY, now_ms)


def _pin_kin(db: SqlConnection, card: Card, now_ms: int) -> None:
    history = lineage.find(db, card.identity)
    if history is None or card.id not in history.cards:
        return
    kin = history.descendants({card.id} | _ancestors(history, card.id))
    for id_ in kin:
        counted = history.cards[id_]
        if contacts.standing(db, id_) is None:
            trust = _trust(counted, None, descends=True)
            seen = Trust.PINNED if trust is Trust.ENDORSED else trust
            contacts.store(db, counted.card, seen, now_ms)


def _kin(history: History, contact: Contact, me: Card) -> frozenset[bytes]:
    anchors = {one.card.id for one in contact.cards if one.trust is not Trust.OFFERED}
    if contact.identity == me.identity:
        anchors |= _ancestors(history, me.id)
    return history.descendants(anchors)


def _ancestors(history: History, card: bytes) -> set[bytes]:
    """Return the cards that vouched for a card, and for these: our own word is that they are ours.

    Whoever approved this device was shown its code, so a relay that put itself there would have had to be asked.
    """
    found: set[bytes] = set()
    waiting = [card]
    while waiting:
        counted = history.cards.get(waiting.pop())
        if counted is None:
            continue
        above = {*counted.endorsers, *filter(None, (counted.predecessor,))} - found
        found |= above
        waiting += above
    return found


def _trust(counted: Counted, known: Trust | None, *, descends: bool) -> Trust:
    if counted.revocation is not None:
        gentle = counted.revocation.reason in _GENTLE and not counted.revocation.operator
        return Trust.ENDED if gentle and known is not Trust.OFFERED else Trust.REVOKED
    if counted.successor is not None:
        return Trust.ENDED if descends else Trust.REVOKED
    if known in (Trust.PINNED, Trust.ENDORSED):
        return known
    return Trust.ENDORSED if descends else Trust.OFFERED


def _take(db: SqlConnection, card: Card, known: Trust | None, trust: Trust, now_ms: int) -> None:
    if known is None:
        contacts.store(db, card, trust, now_ms)
    else:
        contacts.set_trust(db, card.id, trust)
    identity = card.identity
    if trust is Trust.OFFERED:
        contacts.move(db, identity, Step.OFFER, now_ms)
    elif trust is Trust.ENDORSED:
        contacts.move(db, identity, Step.ENDORSE, now_ms)
    elif known is None:
        return  # it had ended before anybody here met it
    state = contacts.state(db, identity).value
    data = event_data.ContactChangedData(identity, card.id.hex(), _EVENTS[trust], state)
    events.add(db, event_data.CONTACT_CHANGED, now_ms, data)
