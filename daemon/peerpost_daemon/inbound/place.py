"""The place of an envelope in its sender's chain: whether it is free, and fits what is held beside it.

A second envelope for a place that is taken is never stored, and from then on nothing is said of that place: the
sender, whose vault may be an older copy, must not take the one for delivered because the other is held here.
"""

from hashlib import sha256

from peerpost_daemon.inbound.belonging import fault_of
from peerpost_daemon.inbound.opening import Fault
from peerpost_daemon.records import chains, channels
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Step, step
from peerpost_protocol.envelope import Envelope
from peerpost_protocol.frames import Item


def known(db: SqlConnection, envelope: Envelope) -> bytes | None:
    """Return the id of the envelope that is held at an envelope's place."""
    header = envelope.header
    return chains.known(db, header.channel, header.sender, header.sequence)


def is_another(db: SqlConnection, channel: Channel, item: Item) -> bool:
    """Say whether an item at the channel's cursor is another than the one that was taken there."""
    tail = channels.tail(db, channel.id)
    return tail is not None and tail != sha256(item.body).digest()


def fault(db: SqlConnection, envelope: Envelope, held: bytes | None, item: Item) -> Fault | None:
    """Return why an envelope cannot have its place, None when it can. `held`: what is known to be there."""
    header = envelope.header
    before = chains.chain(db, header.channel, header.sender)
    match step(before.last if before else None, header, envelope.id, held):
        case Step.REPLAY:
            return fault_of(envelope, "replay", "it was received before")
        case Step.FORK:
            if held is not None:
                chains.doubt(db, header.channel, header.sender, header.sequence)
                channels.owe_receipt(db, header.channel, item.position)
            return fault_of(envelope, "fork", "its sender's chain continues in another way")
        case Step.NEXT | Step.GAP:
            return None if _fits(db, envelope) else fault_of(envelope, "fork", "it fits no gap")


def _fits(db: SqlConnection, envelope: Envelope) -> bool:
    """Say whether the envelope fits the neighbours that are held: it may fill a gap late."""
    header = envelope.header
    there = (db, header.channel, header.sender)
    before = chains.known(*there, header.sequence - 1)
    after = chains.known(*there, header.sequence + 1)
    return (before is None or before == header.previous) and (
        after is None or chains.previous_of(*there, header.sequence + 1) == envelope.id
    )
