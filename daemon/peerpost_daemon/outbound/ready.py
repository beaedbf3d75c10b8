"""Choose what can go now: rows in their order, and for each channel whom to seal for."""

from collections.abc import Collection

from msgspec import Struct

from peerpost_daemon.outbound.sealing import Destination
from peerpost_daemon.records import ahead, channels, contacts, lineage, outbox, rotation
from peerpost_daemon.records.channels import Channel, ChannelState
from peerpost_daemon.records.outbox import Waiting
from peerpost_daemon.records.outgoing import OutboxState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card
from peerpost_protocol.roster import Member

MAX_WRAPS = 128
"""Wraps that one round seals (about 0.15 ms each); one message may have more, and goes alone then."""
_LOOK_AHEAD = 512
"""Rows looked at in one read; those of channels that cannot go now are passed over."""


class Ready(Struct, frozen=True):
    """Be rows that can go, their channels, the number up to which the outbox was looked at, and whether that is all."""

    rows: tuple[Waiting, ...]
    destinations: dict[bytes, Destination]
    looked_up_to: int
    exhausted: bool


def choose(
    db: SqlConnection,
    after: int,
    room: int,
    *,
    skip: Collection[int],
    held: Collection[bytes],
    me: Card,
    now_ms: int,
) -> Ready:
    """Return at most `room` rows after a number, without those to skip and those of held channels."""
    found: list[Waiting] = []
    destinations: dict[bytes, Destination | None] = {}
    looked, seen, wraps = after, 0, 0
    sealing, surpassed = rotation.is_sealing(db), ahead.held(db)
    page = outbox.waiting(db, looked, room, now_ms)
    while page:
        for row in page:
            channel = row.outgoing.channel
            assert channel is not None
            there = None
            may_go = row.outgoing.state is OutboxState.SEALED or (
                sealing and channel not in surpassed
            )
            if may_go and row.outgoing.number not in skip and channel not in held:
                if channel not in destinations:
                    destinations[channel] = destination_of(db, channel, me)
                there = destinations[channel]
            wraps += len(there.recipients) if there else 0
            if found and wraps > MAX_WRAPS:
                return _ready(found, destinations, looked, exhausted=False)
            looked, seen = row.outgoing.number, seen + 1
            if there is not None:
                found.append(row)
        if len(found) == room or seen >= _LOOK_AHEAD:
            return _ready(found, destinations, looked, exhausted=False)
        page = outbox.waiting(db, looked, room - len(found), now_ms)
    return _ready(found, destinations, looked, exhausted=True)


def _ready(
    found: list[Waiting],
    destinations: dict[bytes, Destination | None],
    looked: int,
    *,
    exhausted: bool,
) -> Ready:
    usable = {id_: there for id_, there in destinations.items() if there is not None}
    return Ready(tuple(found), usable, looked, exhausted)


def destination_of(db: SqlConnection, id_: bytes, me: Card) -> Destination | None:
    """Return the channel with its recipients, None while nothing can be sent there.

    A member's cards are those that speak for it in the roster and are admitted here by the policies: what the relay or
    another member made up gets nothing. A channel of which nobody else is trusted waits.
    """
    channel = channels.find(db, id_)
    if channel is None or channel.state is not ChannelState.ACTIVE:
        return None
    members = channel.roster.members.values()
    them = [member for member in members if member.identity != me.identity]
    others = [card for member in them for card in _cards(db, channel, member)]
    if not others and len(members) > 1:
        return None
    ours = channel.roster.members.get(me.identity)
    devices = [card for card in _cards(db, channel, ours) if card.id != me.id] if ours else []
    known = lineage.checkpoint(db, channel.roster.members)
    return Destination(channel, (me, *devices, *others), known if known.size else None)


def _cards(db: SqlConnection, channel: Channel, member: Member) -> list[Card]:
    """Return the admitted cards that a roster lists for a member, and those that descend from a listed one."""
    usable = contacts.usable(db, member.identity, channel.id)
    strange = any(card.id not in member.cards for card in usable)
    kin = lineage.kin(db, member) if strange else ()
    return [card for card in usable if card.id in member.cards or card.id in kin]
