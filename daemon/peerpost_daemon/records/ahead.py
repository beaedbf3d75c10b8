"""Receivers that are ahead: a member has signed a receipt for an envelope of ours that this vault has not sealed.

Vault and relay were both put back from older copies, or the member lies. Until our chain has been resumed above that
envelope (outbound/leaping.py) nothing is sealed in the channel: no sequence is used twice.

Attacker: a member. What it can make us skip is bounded, so that it cannot use up our sequences: a leap is at most
MAX_LEAP long, and none goes above LEAP_CEILING; our own envelopes alone take us beyond.
"""

from typing import Final

from msgspec import Struct

from peerpost_daemon.records.channels import Channel
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link

MAX_LEAP: Final = 1 << 24
"""Sequences: what 194 envelopes a second use in a day."""
LEAP_CEILING: Final = 1 << 48
"""Sequences end at 2^53; 2^24 of the longest leaps lead here."""
MAX_AT_ONCE: Final = 64


class Ahead(Struct, frozen=True):
    """Be the newest envelope of ours that a member has signed for, and the member."""

    channel: bytes
    link: Link
    identity: str


def is_within_reach(channel: Channel, sequence: int) -> bool:
    """Say whether a member's word about a sequence is followed."""
    ours = channel.own.sequence if channel.own else 0
    return ours < sequence <= min(ours + MAX_LEAP, LEAP_CEILING)


def note(db: SqlConnection, ahead: Ahead) -> None:
    """Hold a channel; the highest sequence that anybody signed for stands."""
    db.execute(
        "INSERT INTO ahead VALUES (?, ?, ?, ?) ON CONFLICT (channel) DO UPDATE SET "
        "sequence = excluded.sequence, head = excluded.head, identity = excluded.identity "
        "WHERE excluded.sequence > sequence",
        (ahead.channel, ahead.link.sequence, ahead.link.id, ahead.identity),
    )


def held(db: SqlConnection) -> frozenset[bytes]:
    """Return the channels in which nothing is sealed now."""
    return frozenset(row[0] for row in db.execute("SELECT channel FROM ahead"))


def settled(db: SqlConnection) -> list[Ahead]:
    """Return what can be resumed: of these channels nothing that was sealed waits for the relay's answer."""
    rows = db.execute(
        "SELECT ahead.channel, sequence, head, identity FROM ahead JOIN channel ON id = ahead.channel "
        "WHERE state = 'active' AND NOT EXISTS (SELECT 1 FROM outbox "
        "WHERE outbox.channel = ahead.channel AND state = 'sealed') LIMIT ?",
        (MAX_AT_ONCE,),
    )
    return [Ahead(row[0], Link(row[1], row[2]), row[3]) for row in rows]


def resumed(db: SqlConnection, ahead: Ahead) -> bool:
    """Let a channel go on; return False when somebody has signed for a later envelope meanwhile."""
    done = db.execute(
        "DELETE FROM ahead WHERE channel = ? AND sequence = ?",
        (ahead.channel, ahead.link.sequence),
    )
    return bool(done.rowcount)


def forget(db: SqlConnection) -> None:
    """Let every channel go on: another card of ours begins chains of its own."""
    db.execute("DELETE FROM ahead")
