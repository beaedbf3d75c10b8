"""Where the channels stand at the relay, compared with this vault: which of the two is an older copy.

    the relay knows a later envelope of ours     the vault was restored: its sequence is taken over, the stream brings
                                                 what is missing                             sequence_recovered
    the relay lacks envelopes that it had        the relay was restored: our chain is resumed where it stood, no
                                                 sequence is used twice                      relay_lost_messages
    the relay stands before our cursor           it gives positions again: we read from there  relay_rolled_back
    what we have not read has expired                                                        history_lost

Each is told by an event and kept as an alarm, which `daemon.health` shows.
"""

from collections.abc import Iterable

from peerpost_daemon.records import alarms, channels
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link
from peerpost_protocol.frames import ChannelState, ResumeChain


def take_in(db: SqlConnection, states: Iterable[ChannelState], now_ms: int) -> list[ResumeChain]:
    """Store what follows from the relay's states; return what the relay has to be told."""
    lost = []
    for state in states:
        channel = channels.find(db, state.channel)
        if channel is None:
            continue
        _take_over(db, channel, state, now_ms)
        if channel.sent is not None and state.own_sequence < channel.sent.sequence:
            lost.append(_resumed(db, channel, channel.sent, state, now_ms))
        _compare_streams(db, channel, state, now_ms)
    return lost


def _take_over(db: SqlConnection, channel: Channel, state: ChannelState, now_ms: int) -> None:
    ours = channel.own.sequence if channel.own else 0
    if state.own_head is None or state.own_sequence <= ours:
        return
    link = Link(state.own_sequence, state.own_head)
    channels.set_own(db, channel.id, link)
    channels.set_sent(db, channel.id, link)
    detail = f"{ours} became {link.sequence}"
    alarms.sound(db, "sequence_recovered", detail, now_ms, channel.id)


def _resumed(
    db: SqlConnection, channel: Channel, sent: Link, state: ChannelState, now_ms: int
) -> ResumeChain:
    count = sent.sequence - state.own_sequence
    detail = f"{count} messages of ours in {channel.roster.name}, after {state.own_sequence}"
    alarms.sound(db, "relay_lost_messages", detail, now_ms, channel.id)
    return ResumeChain(0, channel.id, sent.sequence, sent.id)


def _compare_streams(db: SqlConnection, channel: Channel, state: ChannelState, now_ms: int) -> None:
    if state.last < channel.cursor:
        # It gives these positions a second time: what comes there must not pass for known.
        channels.rewind(db, channel.id, state.last)
        detail = f"position {channel.cursor} became {state.last}"
        alarms.sound(db, "relay_rolled_back", detail, now_ms, channel.id)
    if not state.recovered:
        detail = f"before position {state.oldest}"
        alarms.sound(db, "history_lost", detail, now_ms, channel.id)
