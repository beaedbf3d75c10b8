"""Admitting: a request becomes a channel. Its members' cards are met, and it goes on where this account was added."""

from collections.abc import Mapping

from peerpost_daemon.inbound.opening import Recipient, Taking
from peerpost_daemon.inbound.rosters import meet_listed
from peerpost_daemon.records import channels, contacts, outbox, requests
from peerpost_daemon.records.channels import ChannelState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card
from peerpost_protocol.frames import decode_signed
from peerpost_protocol.receipt import Receipt
from peerpost_protocol.roster import Add, Change, Create, parse_event


def listed(db: SqlConnection, channel: bytes) -> list[Change]:
    """Return the changes of a channel's known events that list cards, in their order."""
    claims = (parse_event(decode_signed(signed)) for signed in channels.events_of(db, channel))
    return [c.body.change for c in claims if isinstance(c.body.change, Create | Add)]


def cards_of(changes: list[Change]) -> set[bytes]:
    """Return the ids of the cards that changes list."""
    members = (m for c in changes if isinstance(c, Create | Add) for m in c.members)
    return {card for member in members for card in member.cards}


def accepted_elsewhere(db: SqlConnection, receipt: Receipt, me: Card) -> bool:
    """Say whether a receipt shows that another device of ours has accepted a request: only then it says what it has.

    Attacker: inviter and relay, who may list a card of theirs as one of ours. So the card must be one that this device
    itself seals to as its own identity's.
    """
    channel = channels.find(db, receipt.body.channel)
    if channel is None or channel.state is not ChannelState.REQUESTED:
        return False
    if receipt.card.identity != me.identity or receipt.card.id == me.id:
        return False
    return any(card.id == receipt.card.id for card in contacts.usable(db, me.identity))


def admit(
    db: SqlConnection, id_: bytes, cards: Mapping[bytes, Card], me: Recipient, now_ms: int
) -> None:
    """Let a channel begin with the roster under which this account was added; what waited comes after it."""
    taking = Taking(me, now_ms, cards)
    for change in listed(db, id_):
        meet_listed(db, change, taking)
    if requests.find(db, id_) is not None:
        roster = requests.roster(db, id_)
        channels.set_roster(db, roster)
        channels.set_standing(db, roster, me.card)
    channels.set_state(db, id_, ChannelState.ACTIVE)
    channels.set_asked(db, id_)
    channel = channels.find(db, id_)
    if channel is not None and channel.peer is not None:
        outbox.direct_to(db, channel.peer, id_)
