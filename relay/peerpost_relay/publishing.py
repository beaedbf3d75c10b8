"""Publish an envelope: the rules, in a transaction. The signature has been verified before.

Checks, in their order (docs/protocol/frames.md, "publish"):
 1. the sender's card is known and not revoked
 2. the channel exists for this card: whoever never was in it learns nothing of it
 3. the message id is new; the same envelope again is answered with its first position
 4. the card speaks for a present member
 5. the envelope has not expired. Asked before its place is: an expired one may have been stored and forgotten since
 6. it was sealed under the current roster
 7. the member's role may post by the channel's policy
 8. sequence and previous envelope continue the sender's chain
 9. channel and identity have room for it
What the channel's policy lets live for a shorter time than the envelope says expires earlier.
"""

from msgspec import Struct

from peerpost_protocol.chain import Link, Step, step
from peerpost_protocol.envelope import Envelope, Header
from peerpost_protocol.frames import Item, ItemKind
from peerpost_protocol.refusals import Refusal
from peerpost_relay.errors import RefusalError
from peerpost_relay.outcomes import Appended, Outcome
from peerpost_relay.store import (
    ROWS_BYTES,
    Channel,
    Snapshot,
    Standing,
    StoredMessage,
    Transaction,
)


class Room(Struct, frozen=True):
    """Say how many bytes a channel and an identity may store, and when to ask again."""

    channel_bytes: int = 2**62
    identity_bytes: int = 2**62
    retry_ms: int = 60_000


UNBOUNDED = Room()


def publish(
    transaction: Transaction, envelope: Envelope, data: bytes, now_ms: int, room: Room = UNBOUNDED
) -> Outcome:
    """Store `data`, the exact bytes of `envelope`; raise RefusalError."""
    header = envelope.header
    card = standing(transaction, header.sender)  # 1
    channel = channel_for(transaction, header.channel, card)  # 2
    known = transaction.message(channel.number, card.number, header.message)
    if known is not None:
        return _repeated(known, envelope, channel)  # 3
    require_member(transaction, channel, card)  # 4
    require_unexpired(header, now_ms)  # 5
    require_current_roster(header, channel)  # 6
    require_poster(transaction, channel, card)  # 7
    require_next(transaction.link(channel.number, card.number), envelope)  # 8
    size = len(data) + ROWS_BYTES
    require_room(transaction, channel.number, card, size, room)  # 9
    item = Item(channel.last + 1, ItemKind.ENVELOPE, now_ms, data)
    transaction.append(channel, item, _expiry(channel, header, now_ms))
    transaction.use(channel.number, card.identity, size)
    newest = Link(header.sequence, envelope.id)
    transaction.advance(channel.number, card.number, header.message, newest, item.position)
    return Outcome(channel.id, item.position, Appended(channel.id, item))


def resume(transaction: Transaction, id_: bytes, sender: bytes, link: Link) -> Outcome:
    """Let a sender's chain go on after `link`, which the store has lost; raise RefusalError.

    Safe to believe without proof: a sender can only skip sequences of its own, and its readers see
    that they are missing.
    """
    card = standing(transaction, sender)
    channel = channel_for(transaction, id_, card)
    require_member(transaction, channel, card)
    known = transaction.link(channel.number, card.number)
    if known is not None and known.sequence == link.sequence and known.id != link.id:
        raise RefusalError(Refusal.OUT_OF_SEQUENCE, "another envelope has this sequence")
    if known is None or known.sequence < link.sequence:
        transaction.resume(channel.number, card.number, link)
    return Outcome(channel.id, channel.last)


def standing(transaction: Snapshot, card: bytes) -> Standing:
    """Return a card that counts; a session may have outlived its card."""
    found = transaction.standing(card)
    if found is None:
        raise RefusalError(Refusal.UNKNOWN_CARD, "the relay has no card with this id")
    if found.revoked_at_ms is not None:
        raise RefusalError(Refusal.CARD_REVOKED, "the card has been revoked")
    return found


def channel_for(transaction: Snapshot, id_: bytes, card: Standing) -> Channel:
    """Return the channel if the card is or ever was in it."""
    channel = transaction.channel(id_)
    if channel is None or not transaction.intervals(channel.number, card.number):
        raise RefusalError(Refusal.UNKNOWN_CHANNEL, "there is no such channel for this card")
    return channel


def require_member(transaction: Snapshot, channel: Channel, card: Standing) -> None:
    """Refuse a card that is not in the channel now."""
    if transaction.intervals(channel.number, card.number)[-1].last is not None:
        raise RefusalError(Refusal.NOT_A_MEMBER, "the card speaks for no member of the channel")


def require_poster(transaction: Transaction, channel: Channel, card: Standing) -> None:
    """Refuse a member whose role does not post."""
    if not transaction.intervals(channel.number, card.number)[-1].posts:
        raise RefusalError(Refusal.MAY_NOT_POST, "the member's role does not allow posting")


def require_current_roster(header: Header, channel: Channel) -> None:
    """Refuse what was sealed for another membership."""
    if (header.roster_position, header.roster_head) != (
        channel.roster_position,
        channel.roster_head,
    ):
        raise RefusalError(
            Refusal.STALE_ROSTER, f"the roster stands at position {channel.roster_position}"
        )


def require_next(last: Link | None, envelope: Envelope) -> None:
    """Refuse what does not continue its sender's chain."""
    header = envelope.header
    known = last.id if last is not None and last.sequence == header.sequence else None
    if step(last, header, envelope.id, known) is not Step.NEXT:
        stands = last.sequence if last else 0
        raise RefusalError(
            Refusal.OUT_OF_SEQUENCE, f"the chain stands at sequence {stands}", field="sequence"
        )


def require_unexpired(header: Header, now_ms: int) -> None:
    """Refuse what nobody would keep."""
    if header.expires_at_ms is not None and header.expires_at_ms <= now_ms:
        raise RefusalError(Refusal.EXPIRED, "the envelope has expired", field="expires_at_ms")


def require_room(
    transaction: Transaction, channel: int, card: Standing, size: int, room: Room
) -> None:
    """Refuse what would be too much for its channel or its sender's identity."""
    used = transaction.usage(channel, card.identity)
    if used.channel + size > room.channel_bytes:
        raise _full("channel", room)
    if used.identity + size > room.identity_bytes:
        raise _full("identity", room)


def _expiry(channel: Channel, header: Header, now_ms: int) -> int | None:
    ends = [header.expires_at_ms, now_ms + channel.expire_ms if channel.expire_ms else None]
    return min((end for end in ends if end is not None), default=None)


def _full(what: str, room: Room) -> RefusalError:
    return RefusalError(
        Refusal.QUOTA_EXCEEDED,
        f"the {what} stores as much as it may",
        field=what,
        retry_after_ms=room.retry_ms,
    )


def _repeated(known: StoredMessage, envelope: Envelope, channel: Channel) -> Outcome:
    if known.envelope != envelope.id:
        raise RefusalError(
            Refusal.MESSAGE_ID_REUSED, "another envelope has this message id", field="message"
        )
    return Outcome(channel.id, known.position)
