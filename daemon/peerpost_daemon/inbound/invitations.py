"""Invitations: events that add this account to a channel, judged by what was consented to; and what waits meanwhile.

Nothing of a channel that nobody here has accepted is opened, shown or acknowledged, and no card that its roster lists
is met: whoever would be met by a mere request would be a contact then, and need not ask the next time. Its roster is
followed, so that it is seen when the request has come to nothing.
"""

from hashlib import sha256

from peerpost_daemon import event_data
from peerpost_daemon.consent import (
    MAX_UNASKED,
    MAX_UNASKED_OF_ONE,
    Invitation,
    Verdict,
    verdict,
)
from peerpost_daemon.inbound.opening import Opened, Taking
from peerpost_daemon.records import channels, consents, contacts, events, lineage, outbox, requests
from peerpost_daemon.records.channels import Channel, ChannelState
from peerpost_daemon.trust import ContactState, counts
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card
from peerpost_protocol.errors import RosterError
from peerpost_protocol.frames import Item
from peerpost_protocol.roster import Add, Create, Roster, RosterEvent, apply_event

UNANSWERED = (ChannelState.REQUESTED, ChannelState.DECLINED)


def judged(
    db: SqlConnection, channel: Channel | None, event: RosterEvent, me: Card
) -> Verdict | None:
    """Return what becomes of the channel that an event adds this account to; None when it does not.

    Attacker: the event's author, who chose the channel, its name and its members.
    """
    change = event.body.change
    if event.author.identity == me.identity or not isinstance(change, Create | Add):
        return None
    if all(member.identity != me.identity for member in change.members):
        return None
    direct = isinstance(change, Create) and change.direct
    consent = consents.in_force(db)
    invitation = _invitation(db, channel, event.author, direct=direct)
    return verdict(consent.direct if direct else consent.groups, invitation)


def set_aside(
    db: SqlConnection,
    roster: Roster,
    event: RosterEvent,
    position: int,
    taking: Taking,
    *,
    answer: Verdict | None,
) -> None:
    """Let a channel wait for an answer and say so; or decline it: it is left once the relay can be asked."""
    if answer is not Verdict.REQUEST:
        channels.set_state(db, roster.channel, ChannelState.DECLINED)
        return
    inviter = event.author.identity
    channels.set_state(db, roster.channel, ChannelState.REQUESTED)
    requests.add(db, roster, inviter, position, taking.now_ms)
    me = taking.me.card.identity
    data = event_data.ChannelData(roster.channel.hex(), roster.name, "requested", inviter, [me])
    events.add(db, event_data.CHANNEL, taking.now_ms, data, channel=roster.channel)


def hold(
    db: SqlConnection, channel: Channel, item: Item, thing: Opened, taking: Taking
) -> Channel | None:
    """Take an item of a channel that was not accepted; return the channel then, None when it is no more."""
    if isinstance(thing, RosterEvent):
        _follow(db, channel, thing, taking.me.card)
    if channel.state is ChannelState.DECLINED:
        channels.advance(db, channel.id, item.position, sha256(item.body).digest())
    else:
        requests.keep(db, channel.id, item)
    return channels.find(db, channel.id)


def end(db: SqlConnection, channel: bytes, state: ChannelState) -> None:
    """Be done with a channel that was never accepted; one that was ours before keeps what it has."""
    requests.forget(db, channel)
    if db.execute("SELECT 1 FROM message WHERE channel = ? LIMIT 1", (channel,)).fetchone():
        channels.set_state(db, channel, state)
    else:
        channels.remove(db, channel)


def _follow(db: SqlConnection, channel: Channel, event: RosterEvent, me: Card) -> None:
    try:
        kin = lineage.kin_of(db, channel.roster, event.author)
        roster = apply_event(channel.roster, event, kin)
    except RosterError:
        return  # should the request be accepted, it is taken again, and told
    if me.identity in roster.members:
        channels.set_roster(db, roster)
        return
    left = event.author.identity == me.identity
    end(db, channel.id, ChannelState.LEFT if left else ChannelState.REMOVED)


def _invitation(
    db: SqlConnection, channel: Channel | None, inviter: Card, *, direct: bool
) -> Invitation:
    standing = contacts.standing(db, inviter.id)
    blocked = contacts.state(db, inviter.identity) is ContactState.BLOCKED
    return Invitation(
        blocked=blocked,
        known=standing is not None and counts(standing.trust) and not blocked,
        written_to=direct and _written_to(db, inviter.identity),
        unasked=_unasked_room(db, inviter.identity),
        requests=requests.has_room(db, inviter.identity),
        returning=channel is not None and channel.state is ChannelState.LEFT,
    )


def _written_to(db: SqlConnection, identity: str) -> bool:
    return channels.direct(db, identity) is not None or outbox.waits_for(db, identity)


def _unasked_room(db: SqlConnection, inviter: str) -> bool:
    count = "SELECT count(*) FROM channel WHERE unasked AND state = 'active'"
    (every,) = db.execute(count).fetchone()
    (theirs,) = db.execute(f"{count} AND inviter = ?", (inviter,)).fetchone()
    return int(every) < MAX_UNASKED and int(theirs) < MAX_UNASKED_OF_ONE
