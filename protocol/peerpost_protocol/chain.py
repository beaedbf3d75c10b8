"""Chains: each sender card's envelopes in a channel, linked by sequence and by the identifier of the one before.

What a receiver knows of a sender is the last link; what it may see next is one table:

    what arrives                                            step
    sequence = last + 1 and previous = last's id            NEXT
    sequence known, with the same id                        REPLAY   nothing new; drop it
    sequence known, with another id                         FORK     the sender signed two, or the relay shows two sides
    sequence = last + 1 and another previous                FORK
    sequence > last + 1                                     GAP      something is missing in between
    nothing known yet, sequence 1, no previous              NEXT
    nothing known yet, later sequence                       GAP      right for one who joined later: the caller knows
"""

from enum import Enum

from msgspec import Struct

from peerpost_protocol.envelope import Header


class Step(Enum):
    """Say how an envelope continues its sender's chain."""

    NEXT = "next"
    REPLAY = "replay"
    FORK = "fork"
    GAP = "gap"


class Link(Struct, frozen=True):
    """Be the newest envelope known of a sender: its sequence and its 32-byte id."""

    sequence: int
    id: bytes


def step(last: Link | None, header: Header, id_: bytes, known: bytes | None) -> Step:
    """Say what the envelope (header, id_) is after `last`.

    `known` is the id already held at the header's sequence, None when none is.
    """
    if known is not None:
        return Step.REPLAY if known == id_ else Step.FORK
    if last is None:
        return Step.NEXT if header.sequence == 1 and header.previous is None else Step.GAP
    if header.sequence <= last.sequence:
        return Step.GAP  # a hole of ours that is being filled late: not the next, not known either
    if header.sequence > last.sequence + 1:
        return Step.GAP
    return Step.NEXT if header.previous == last.id else Step.FORK


def missing(last: Link | None, header: Header) -> range:
    """Return the sequences between `last` and this envelope."""
    return range(last.sequence + 1 if last else 1, header.sequence)
