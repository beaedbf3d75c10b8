"""Our own chain in a channel, compared with what the relay says of it.

The relay's word is compared and never taken over: our next envelope continues what this vault has sealed or has seen
verified, and nothing else.
"""

from enum import Enum

from msgspec import Struct, field

from peerpost_daemon.records import channels, own_links
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link
from peerpost_protocol.frames import ChannelState


class Standing(Enum):
    """Say how the relay's word about our chain compares with this vault."""

    AGREES = "agrees"
    LOST = "lost"  # it lacks envelopes that it had acknowledged
    UNKNOWN = "unknown"  # it names an envelope that is not known here


class Claim(Struct, frozen=True):
    """Be what the relay says of our chain that nothing here confirms yet.

    `ours`: the sequence known here. `last`: the stream's last position then; what confirms it stands before.
    """

    link: Link
    ours: int
    last: int


class Found(Struct, frozen=True):
    """Be the channels in which our chain stands otherwise at the relay than here.

    `lost`: what the relay still has of ours. `claimed`: what it says beyond what is known here. `rosters`: the roster
    position up to which the relay has what is known here, -1 when it does not know the channel. `rewound`: channels
    that are read from an earlier cursor now than the one that this session began with. `receipts`: the revision up to
    which the relay has receipts that were not read here: they may say that receivers are ahead of us.
    """

    lost: dict[bytes, Link | None]
    claimed: dict[bytes, Claim]
    rosters: dict[bytes, int]
    rewound: set[bytes] = field(default_factory=set)
    receipts: dict[bytes, int] = field(default_factory=dict)


def link_of(state: ChannelState) -> Link | None:
    """Return the link that the relay names."""
    if state.own_head is None or not state.own_sequence:
        return None
    return Link(state.own_sequence, state.own_head)


def is_ours(db: SqlConnection, channel: Channel, link: Link) -> bool:
    """Say whether this vault knows a link as its own."""
    if link in (channel.own, channel.sent):
        return True
    known = own_links.known(db, channel.id, link.sequence)
    return known is not None and known.id == link.id


def is_forked(db: SqlConnection, channel: Channel, state: ChannelState) -> bool:
    """Say whether the relay's roster is another one than ours from some event on."""
    if state.roster_position > channel.roster.position:
        return False
    return channels.event_id(db, channel.id, state.roster_position) != state.roster_head


def compare(db: SqlConnection, channel: Channel, state: ChannelState) -> Standing:
    """Compare the relay's word about our chain with what is known here."""
    sent = channel.sent.sequence if channel.sent else 0
    named = link_of(state)
    if named is not None and not is_ours(db, channel, named):
        return Standing.UNKNOWN
    lost = (named.sequence if named else 0) < sent
    return Standing.LOST if lost else Standing.AGREES


def note(db: SqlConnection, channel: Channel, state: ChannelState, found: Found) -> Standing:
    """Compare, and note in `found` what has to be looked after."""
    if state.roster_position < channel.roster.position and not is_forked(db, channel, state):
        found.rosters[channel.id] = state.roster_position
    standing, named = compare(db, channel, state), link_of(state)
    if standing is Standing.LOST:
        found.lost[channel.id] = named
    elif standing is Standing.UNKNOWN and named is not None:
        ours = channel.own.sequence if channel.own else 0
        found.claimed[channel.id] = Claim(named, ours, state.last)
    return standing
