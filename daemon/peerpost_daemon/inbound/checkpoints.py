"""Checkpoints: what the senders of envelopes know of the members' histories, beside what is known here.

Attacker: a relay that hides a revocation, or a whole end of a history, from this member. The signed header of the next
envelope of anybody who knows more says so; then the histories are read anew, and if the relay still gives less, that is
an alarm. A member who lies about it gets one alarm and is then not listened to for a while.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct

from peerpost_daemon.histories import SHORTENED, Histories
from peerpost_daemon.inbound.opening import Opened, OpenedEnvelope
from peerpost_daemon.records import alarms, channels, contacts, lineage
from peerpost_daemon.trust import counts
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.checkpoint import Knowledge, compare
from peerpost_protocol.envelope import Envelope
from peerpost_protocol.frames import Item

DEAF_MS: Final = 60_000
MAX_DEAF: Final = 1_024
"""Senders that are not listened to, at most; then all are heard again."""

Taken = Iterable[tuple[bytes, Sequence[tuple[Item, Opened]]]]
"""Channels, each with the items of it that were taken."""
_MORE = (Knowledge.LESS, Knowledge.OTHER)  # of this reader, beside the sender


class Doubt(Struct, frozen=True):
    """Be a sender who knows more than we do, or other things, and the members whom it is about."""

    channel: bytes
    sender: bytes
    identity: str
    members: tuple[str, ...]


class Checkpoints:
    """Compare checkpoints, and ask the relay where they say more than is known."""

    def __init__(
        self, database: Database, histories: Histories, *, now_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._histories = histories
        self._now_ms = now_ms
        self._deaf: dict[bytes, int] = {}

    def doubted(self, db: SqlConnection, taken: Taken) -> list[Envelope]:
        """Return those of the envelopes just taken, in the transaction that takes them, whose senders know more."""
        heard = [one for one in _newest(taken) if not self._is_deaf_to(one.header.sender)]
        return [one for one in heard if _doubt(db, one) is not None]

    async def look(self, newest: Sequence[Envelope]) -> bool:
        """Look into doubted envelopes; return whether the standing of any card changed. Raises LinkError."""
        doubts = await self._database.read(lambda db: _doubts(db, newest))
        if not doubts:
            return False
        changed = await self._histories.refresh({who for one in doubts for who in one.members})
        left = await self._database.read(lambda db: _doubts(db, newest))
        if left:
            await self._database.write(lambda db: self._alarm(db, left))
        return changed

    def _is_deaf_to(self, sender: bytes) -> bool:
        return self._deaf.get(sender, 0) > self._now_ms()

    def _alarm(self, db: SqlConnection, doubts: Sequence[Doubt]) -> None:
        now_ms = self._now_ms()
        if len(self._deaf) + len(doubts) > MAX_DEAF:
            self._deaf.clear()
        for one in doubts:
            self._deaf[one.sender] = now_ms + DEAF_MS
            detail = f"{one.identity} knows more of the members' cards than the relay shows"
            alarms.sound(db, SHORTENED, detail, now_ms, one.channel)


def _newest(taken: Taken) -> list[Envelope]:
    """Return each sender's last envelope in each channel that has a checkpoint."""
    last = {
        (channel, thing.envelope.header.sender): thing.envelope
        for channel, items in taken
        for _, thing in items
        if isinstance(thing, OpenedEnvelope) and thing.envelope.header.checkpoint is not None
    }
    return list(last.values())


def _doubts(db: SqlConnection, envelopes: Iterable[Envelope]) -> list[Doubt]:
    found = [_doubt(db, envelope) for envelope in envelopes]
    return [one for one in found if one is not None]


def _doubt(db: SqlConnection, envelope: Envelope) -> Doubt | None:
    """Return what an envelope's sender knows more; only cards that count are heard, about the roster in force."""
    header = envelope.header
    channel = channels.find(db, header.channel)
    standing = contacts.standing(db, header.sender)
    if channel is None or standing is None or not counts(standing.trust):
        return None
    if channel.roster.head != header.roster_head or header.checkpoint is None:
        return None
    members = tuple(channel.roster.members)
    if compare(lineage.checkpoint(db, members), header.checkpoint) not in _MORE:
        return None
    return Doubt(channel.id, header.sender, envelope.sender.identity, members)
