"""Take roster events into the vault, and meet the cards that they bring.

A channel begins here with the event that adds us: everything before it is folded from the roster's own log, whose
chain reaches from the channel's id to that event. The same fills the time between a removal and another adding. Cards
are met only through events that hold: whoever meets an identity here starts from the author's knowledge, and a relay
that names a card anywhere else has it pinned nowhere.
"""

from collections.abc import Sequence

from peerpost_daemon import event_data, kinship
from peerpost_daemon.consent import Verdict
from peerpost_daemon.delivering import give_up, note_gone
from peerpost_daemon.inbound import invitations
from peerpost_daemon.inbound.opening import Taking
from peerpost_daemon.inbound.roster_news import tell
from peerpost_daemon.records import channels, contacts, events, lineage, outbox
from peerpost_daemon.records.channels import Channel, ChannelState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card
from peerpost_protocol.errors import RosterError
from peerpost_protocol.frames import Item
from peerpost_protocol.roster import Add, Change, Create, Roster, RosterEvent, apply_event

_AWAY = (ChannelState.LEFT, ChannelState.REMOVED)


def meet(db: SqlConnection, card: Card, taking: Taking) -> None:
    """Store a card that a roster lists; raise an event when it is not its contact's."""
    if card.identity == taking.me.card.identity or contacts.standing(db, card.id) is not None:
        return
    kinship.meet(db, card, taking.me.card, taking.now_ms)


def begin_by_descent(
    db: SqlConnection, channel_id: bytes, log: Sequence[RosterEvent], taking: Taking
) -> bool:
    """Begin a channel that this card is in because it descends from a listed one; no event of the stream says so.

    Return False for any other: its adding comes by the stream.
    """
    me, roster = taking.me.card, None
    try:
        for event in log:
            roster = _applied(db, roster, event)
    except RosterError:
        return False
    if roster is None or roster.channel != channel_id or roster.speaks_for(me) is not None:
        return False
    if lineage.speaks(db, roster, me) is None:
        return False
    _store(db, roster, me, taking.now_ms, ChannelState.ACTIVE, joined_late=True)
    for event in log:
        channels.add_event(db, event)
    adding, answer = _judged_of(db, log, me)
    if answer not in (None, Verdict.TAKEN):
        invitations.set_aside(db, roster, adding, 0, taking, answer=answer)
        return True
    for event in log:
        meet_listed(db, event.body.change, taking)
    tell(db, None, roster, log[-1], taking.now_ms)
    return True


def _judged_of(
    db: SqlConnection, log: Sequence[RosterEvent], me: Card
) -> tuple[RosterEvent, Verdict | None]:
    """Return the newest event of a log that added this account's identity, and what becomes of it."""
    for event in reversed(log):
        answer = invitations.judged(db, None, event, me)
        if answer is not None:
            return event, answer
    return log[-1], None


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
    answer = invitations.judged(db, channel, event, me)
    meets = answer in (None, Verdict.TAKEN)
    channel = _catch_up(db, channel_id, channel, event, taking, meets=meets)
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
        roster = _applied(db, channel.roster if channel else None, event)
    except RosterError as error:
        return _refuse(db, channel, item, event, detail=str(error), taking=taking)
    if channel is None:
        state = ChannelState.ACTIVE if lineage.speaks(db, roster, me) else ChannelState.REMOVED
        _store(db, roster, me, now_ms, state if meets else ChannelState.REQUESTED)
    else:
        _replace(db, channel, roster, event, taking)
    if answer is not None:
        channels.set_inviter(db, channel_id, event.author.identity, unasked=meets)
    if meets:
        _note(db, channel.roster if channel else None, roster, event, taking)
    else:
        channels.add_event(db, event)
        invitations.set_aside(db, roster, event, item.position, taking, answer=answer)
    return channels.find(db, channel_id)


def apply_withheld(
    db: SqlConnection, channel: Channel, event: RosterEvent, taking: Taking
) -> Channel | None:
    """Apply an event that the stream left out; return the channel then, None when it does not continue the roster."""
    try:
        roster = _applied(db, channel.roster, event)
    except RosterError:
        return None
    _replace(db, channel, roster, event, taking)
    _note(db, channel.roster, roster, event, taking)
    return channels.find(db, channel.id)


def _applied(db: SqlConnection, roster: Roster | None, event: RosterEvent) -> Roster:
    return apply_event(roster, event, lineage.kin_of(db, roster, event.author))


def _replace(
    db: SqlConnection, channel: Channel, roster: Roster, event: RosterEvent, taking: Taking
) -> None:
    channels.set_roster(db, roster)
    channels.set_standing(db, roster, taking.me.card)
    state = _state_after(db, roster, event, taking.me.card)
    _set_state(db, channel, state, taking.now_ms)
    _silence(db, roster, taking)
    if set(channel.roster.members) - set(roster.members):
        sealed = channel.own.sequence if channel.own else 0
        note_gone(db, channel.id, sealed, taking.me.card, taking.now_ms)


def _note(
    db: SqlConnection, before: Roster | None, roster: Roster, event: RosterEvent, taking: Taking
) -> None:
    channels.add_event(db, event)
    meet_listed(db, event.body.change, taking)
    tell(db, before, roster, event, taking.now_ms)


def _catch_up(
    db: SqlConnection,
    channel_id: bytes,
    channel: Channel | None,
    event: RosterEvent,
    taking: Taking,
    *,
    meets: bool,
) -> Channel | None:
    """Apply the log of the time before `event` in which we were no member; all of it, or nothing.

    A member gets every event by the stream: for one that is there, a hole is the relay's fault (`apply_withheld`).
    """
    next_ = channel.roster.position + 1 if channel else 0
    away = channel is None or channel.state in _AWAY
    if event.body.position <= next_ or not away:
        return channel
    log = [e for e in taking.logs.get(channel_id, ()) if next_ <= e.body.position]
    log = log[: event.body.position - next_]
    if len(log) < event.body.position - next_:
        return channel
    roster = channel.roster if channel else None
    try:
        for before in log:
            roster = _applied(db, roster, before)
    except RosterError:
        return channel
    if roster is None or roster.channel != channel_id:
        return channel
    if channel is None:
        state = ChannelState.REMOVED
        _store(db, roster, taking.me.card, taking.now_ms, state, joined_late=True)
    else:
        channels.set_roster(db, roster)
    for before in log:
        channels.add_event(db, before)
        if meets:
            meet_listed(db, before.body.change, taking)
    return channels.find(db, channel_id)


def meet_listed(db: SqlConnection, change: Change, taking: Taking) -> None:
    """Meet the cards that a change lists for its members, as far as they could be had."""
    if not isinstance(change, Create | Add):
        return
    for member in change.members:
        for id_ in member.cards:
            card = taking.cards.get(id_)
            if card is not None and card.identity == member.identity:
                meet(db, card, taking)


def _set_state(db: SqlConnection, channel: Channel, state: ChannelState, now_ms: int) -> None:
    channels.set_state(db, channel.id, state)
    if state is ChannelState.ACTIVE and channel.state in _AWAY:
        channels.rejoin(db, channel.id)
    if state is not ChannelState.ACTIVE:
        # The stream has brought before this event whatever the relay took from us.
        give_up(db, outbox.unsent(db, channel.id), "not_a_member", now_ms)


def _silence(db: SqlConnection, roster: Roster, taking: Taking) -> None:
    """Give up what waits to be sent by an account that may post no more."""
    member = lineage.speaks(db, roster, taking.me.card)
    if member is not None and not roster.may_post(member):
        give_up(db, outbox.unsent(db, roster.channel), "may_not_post", taking.now_ms)


def _confirm(db: SqlConnection, channel: Channel) -> None:
    if channel.state is ChannelState.PENDING:
        channels.set_state(db, channel.id, ChannelState.ACTIVE)


def _state_after(db: SqlConnection, roster: Roster, event: RosterEvent, me: Card) -> ChannelState:
    if lineage.speaks(db, roster, me) is not None:
        return ChannelState.ACTIVE
    return ChannelState.LEFT if event.author.identity == me.identity else ChannelState.REMOVED


def _store(
    db: SqlConnection,
    roster: Roster,
    me: Card,
    now_ms: int,
    state: ChannelState,
    *,
    joined_late: bool = False,
) -> None:
    others = [identity for identity in roster.members if identity != me.identity]
    peer = others[0] if roster.direct and len(others) == 1 else None
    channel = Channel(
        roster.channel, peer, state, roster, now_ms, joined_late, cursor=0, own=None, sent=None
    )
    channels.create(db, channel)
    channels.set_standing(db, roster, me)
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
