"""Where the channels stand at the relay, compared with this vault: which of the two is an older copy, or who lies.

    the relay names an envelope of ours that     nothing is sent until the stream has brought it, verified:
    is not known here                            sequence_recovered; or else nothing at all: sequence_claimed
    the relay lacks envelopes that it had        they go again, as far as their bytes are kept, and our chain is
                                                 resumed where it stood: relay_lost_messages (outbound/mending.py)
    the relay stands before our cursor           it gives positions again: we read from there  relay_rolled_back
    its roster ends before ours                  what it lost is submitted again: roster_given_back
    it does not know a channel of ours           the same from the channel's first event on
    its roster is another one than ours          two members changed it, one while the relay lacked the other's:
                                                 nothing can be sent there: roster_forked
    it has receipts that we have not read        nothing is sent until they are: a receiver may be ahead of us
    what we have not read has expired                                                        history_lost

Each is told by an event and kept as an alarm, which `daemon.health` shows.
"""

from collections.abc import Iterable

from peerpost_daemon.inbound.invitations import UNANSWERED
from peerpost_daemon.records import alarms, channels, own_chain, own_links
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.records.own_chain import Found, Standing
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.frames import ChannelState

MAX_CAUGHT_UP = 1_024
"""Histories that are read anew after connecting; of the others, checkpoints and notices tell."""


def take_in(db: SqlConnection, states: Iterable[ChannelState], now_ms: int) -> Found:
    """Store what follows from the relay's states; return where our chain has to be looked after."""
    found = Found({}, {}, {})
    for state in states:
        channel = channels.find(db, state.channel)
        if channel is None or channel.state in UNANSWERED:
            continue  # of what was not accepted, nothing is missed
        if state.receipts > channels.receipts_cursor(db, channel.id):
            found.receipts[channel.id] = state.receipts
        lost = own_chain.note(db, channel, state, found) is Standing.LOST
        if own_chain.is_forked(db, channel, state):
            detail = f"{channel.roster.name}, at or before change {state.roster_position}"
            alarms.sound(db, "roster_forked", detail, now_ms, channel.id)
        if _compare_streams(db, channel, state, lost=lost, now_ms=now_ms):
            found.rewound.add(channel.id)
    return found


def take_unknown(
    db: SqlConnection, states: Iterable[ChannelState], found: Found, now_ms: int
) -> None:
    """Note the channels of ours that are not among all that the relay knows of; what they held is read again."""
    named = {state.channel for state in states}
    for id_ in channels.active(db):
        channel = channels.find(db, id_)
        if id_ in named or channel is None:
            continue
        found.rosters[id_] = -1
        if channel.sent is not None:
            found.lost[id_] = None
        if channel.cursor:
            channels.rewind(db, id_, 0)
            detail = f"it does not know {channel.roster.name}"
            alarms.sound(db, "relay_rolled_back", detail, now_ms, id_)


def lacking(db: SqlConnection, states: Iterable[ChannelState]) -> dict[bytes, int]:
    """Return the newer roster positions of channels whose streams bring nothing more."""
    found = {}
    for state in states:
        channel = channels.find(db, state.channel)
        if channel is None or state.last > channel.cursor:
            continue
        if state.roster_position > channel.roster.position:
            found[channel.id] = state.roster_position
    return found


def unknown(db: SqlConnection, states: Iterable[ChannelState]) -> list[ChannelState]:
    """Return the channels that the relay counts our card in and that are not known here."""
    return [state for state in states if channels.find(db, state.channel) is None]


def everybody(db: SqlConnection) -> list[str]:
    """Return the identities of all members of active channels, at most MAX_CAUGHT_UP."""
    members: set[str] = set()
    for channel in channels.everything(db):
        if channel.state is channels.ChannelState.ACTIVE and len(members) < MAX_CAUGHT_UP:
            members.update(channel.roster.members)
    return sorted(members)[:MAX_CAUGHT_UP]


def _compare_streams(
    db: SqlConnection, channel: Channel, state: ChannelState, *, lost: bool, now_ms: int
) -> bool:
    """Compare where the stream stands; return whether it has to be read from an earlier position."""
    if not state.recovered:
        detail = f"before position {state.oldest}"
        alarms.sound(db, "history_lost", detail, now_ms, channel.id)
    if lost or state.last < channel.cursor:
        # It gives positions a second time: what comes there must not pass for known. Others may have filled up some
        # already; the copy is no older than the last of ours in it.
        ours = own_links.known(db, channel.id, state.own_sequence)
        known = ours is not None and ours.id == state.own_head
        stands = min(state.last, channel.cursor, (ours.position or 0) if ours and known else 0)
        if stands < channel.cursor:
            channels.rewind(db, channel.id, stands)
            detail = f"position {channel.cursor} became {stands}"
            alarms.sound(db, "relay_rolled_back", detail, now_ms, channel.id)
            return True
    return False
