"""Checkpoints: in the signed header of an envelope, how much its sender knows of the members' histories.

Attacker: a relay that hides a revocation from one member. The next envelope of somebody who knows it says so: a reader
that knows less asks the relay anew, and raises an alarm when the relay still gives less.
"""

from collections.abc import Iterable
from enum import Enum

from peerpost_protocol.envelope import Checkpoint
from peerpost_protocol.history import NOTHING, History
from peerpost_protocol.signing import CHECKPOINT_TYPE, identifier


class Knowledge(Enum):
    """Say what a reader knows beside a sender."""

    SAME = "same"
    LESS = "less"
    OTHER = "other"
    MORE = "more"


def checkpoint_of(identities: Iterable[str], histories: dict[str, History]) -> Checkpoint:
    """Return the checkpoint over the members of a roster; one without known history counts as length 0."""
    size, root = 0, bytearray()
    for identity in sorted(set(identities)):
        known = histories.get(identity)
        length, head = (known.length, known.head) if known else (0, NOTHING)
        size += length
        name = identity.encode()
        root += len(name).to_bytes(2, "big") + name + length.to_bytes(8, "big") + head
    return Checkpoint(size, identifier(CHECKPOINT_TYPE, bytes(root)))


def compare(mine: Checkpoint, theirs: Checkpoint) -> Knowledge:
    """Say what the reader (`mine`) knows beside the sender (`theirs`), over the same members.

    OTHER: as many entries, not the same ones. LESS and OTHER are reasons to read the histories anew; when either
    remains, the relay withholds entries, or shows others to others.
    """
    if mine.root == theirs.root:
        return Knowledge.SAME
    if mine.size == theirs.size:
        return Knowledge.OTHER
    return Knowledge.LESS if mine.size < theirs.size else Knowledge.MORE
