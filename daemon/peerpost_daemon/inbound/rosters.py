"""Take roster events into the vault, and meet the cards that they bring.

A channel begins here with the event that adds us: everything before it was folded from the roster's own log
(`begin`), whose chain reaches from the channel's id to that event.
"""

from collections.abc import Mapping, Sequence

from peerpost_daemon import event_data
from peerpost_daemon.inbound.opening import Taking
from peerpost_daemon.records import channels, contacts, events, outbox
from peerpost_daemon.records.channels import Channel, ChannelState
from peerpost_daemon.records.contacts import Trust
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card
from peerpost_protocol.errors import RosterError
from peerpost_protocol.frames import Item
from peerpost_protocol.roster import (
    Add,
    Change,
    Create,
    Leave,
    Remove,
    Roster,
    RosterEvent,
    apply_event,
)


def fold(events_: Sequence[RosterEvent]) -> Roster | None:
    """Return the roster after verified events from the first one on; raise RosterError."""
    roster: Roster | None = None
    for event in events_:
        roster = apply_event(roster, event)
    return roster


def begin(db: SqlConnection, log: Sequence[RosterEvent], me: Card, now_ms: int) -> None:
    """Store a channel from the events before the one that adds us; raise RosterError."""
    roster = fold(log)
    if roster is None or channels.find(db, roster.channel) is not None:
        return
    _store(db, roster, me, now_ms, ChannelState.REMOVED, joined_late=True)
    for event in log:
        channels.add_event(db, event)


def meet_cards(db: SqlConnection, cards: Mapping[bytes, Card], me: Card, now_ms: int) -> None:
    """Store cards that have been fetched; raise an event for each that is not its contact's."""
    for card in cards.values():
        if card.identity == me.identity:
            continue
        known = contacts.card(db, card.id)
        if known is None and contacts.meet(db, card, now_ms) is Trust.OFFERED:
            data = event_data.ContactChangedData(card.identity, card.id.hex(), "another_card")
            events.add(db, event_data.CONTACT_CHANGED, now_ms, data)


def take_event(
    db: SqlConnection,
    channel_id: bytes,
    channel: Channel | None,
    item: Item,
    event: RosterEvent,
    *,
    taking: Taking,
) -> Channel | None:
    """Apply a roster event to its channel; return the channel as it is then."""
    me, now_ms = taking.me.card, taking.now_ms
    if channel is not None and event.body.position <= channel.roster.position:
        known = channels.event_id(db, channel_id, event.body.position)
        if known == event.id and event.channel == channel_id:
            _confirm(db, channel)
            return channels.find(db, channel_id)
        return _refuse(
            db, channel, item, event, detail="another event has this place", taking=taking
        )
    if event.channel != channel_id:
        return _refuse(db, channel, item, event, detail="it is another channel's", taking=taking)
    try:
        roster = apply_event(channel.roster if channel else None, event)
    except RosterError as error:
        return _refuse(db, channel, item, event, detail=str(error), taking=taking)
    if channel is None:
        state = ChannelState.ACTIVE if roster.speaks_for(me) else ChannelState.REMOVED
        _store(db, roster, me, now_ms, state, joined_late=False)
    else:
        channels.set_roster(db, roster)
        channels.set_state(db, channel_id, _state_after(roster, event, me))
    channels.add_event(db, event)
    _tell(db, roster, event, now_ms)
    return channels.find(db, channel_id)


def _confirm(db: SqlConnection, channel: Channel) -> None:
    if channel.state is ChannelState.PENDING:
        channels.set_state(db, channel.id, ChannelState.ACTIVE)


def _state_after(roster: Roster, event: RosterEvent, me: Card) -> ChannelState:
    if roster.speaks_for(me) is not None:
        return ChannelState.ACTIVE
    return ChannelState.LEFT if event.author.identity == me.identity else ChannelState.REMOVED


def _store(
    db: SqlConnection,
    roster: Roster,
    me: Card,
    now_ms: int,
    state: ChannelState,
    *,
    joined_late: bool,
) -> None:
    others = [identity for identity in roster.members if identity != me.identity]
    peer = others[0] if roster.direct and len(others) == 1 else None
    channel = Channel(
        roster.channel, peer, state, roster, now_ms, joined_late, cursor=0, own=None, sent=None
    )
    channels.create(db, channel)
    if peer is not None and state is ChannelState.ACTIVE:
        outbox.direct_to(db, peer, roster.channel)


def _refuse(
    db: SqlConnection,
    channel: Channel | None,
    item: Item,
    event: RosterEvent,
    *,
    detail: str,
    taking: Taking,
) -> Channel | None:
    where = channel.id if channel else event.channel
    data = event_data.QuarantineData(
        reason="bad_roster_event",
        channel=where.hex(),
        from_card=event.author.id.hex(),
        message=None,
        sequence=None,
        position=item.position,
        detail=detail,
    )
    events.add(db, event_data.QUARANTINE, taking.now_ms, data, channel=where)
    return channel


def _tell(db: SqlConnection, roster: Roster, event: RosterEvent, now_ms: int) -> None:
    change, members = _described(event.body.change, event.author.identity)
    data = event_data.ChannelData(
        roster.channel.hex(), roster.name, change, event.author.identity, members
    )
    events.add(db, event_data.CHANNEL, now_ms, data, channel=roster.channel)


def _described(change: Change, author: str) -> tuple[str, list[str]]:
    match change:
        case Create(members=members):
            return "created", [member.identity for member in members]
        case Add(members):
            return "added", [member.identity for member in members]
        case Remove(identities):
            return "removed", list(identities)
        case Leave():
            return "left", [author]


__all__ = ["begin", "fold", "meet_cards", "take_event"]
