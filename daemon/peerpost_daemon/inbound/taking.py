"""Take opened items into the vault: the checks that need memory, and the writes. Runs inside one transaction.

Checks of an envelope whose signature has been verified, in their order (docs/protocol/envelope.md, "Receiving"):
 1. it names the channel in whose stream it came                              wrong_channel
 2. it was sealed under the roster that is in force at its place              stale_roster, unknown_roster
 3. its sender's card speaks for a member                                     not_a_member
 4. it is not one that is held already, nor a second one for its place        replay, fork
 5. the sender's card is pinned and the contact not blocked                   untrusted_card, blocked
 6. it opened for this card                                                   (the fault of opening)
 7. nothing is missing before it                                              gap: an event, and it is taken
 8. its content is of a kind that this daemon knows                           unsupported_content
 9. its sender has not used its message id before                             message_id_reused
A read mark is taken after check 7: it is no message (`reading`).
What fails is quarantined with an event; nothing of it is shown, and the next item is taken as if it had not been there.
What fails before check 7 gets no receipt either: it is missing. An envelope of our own only confirms what the outbox
knows.
"""

from collections.abc import Sequence

from peerpost_daemon import event_data
from peerpost_daemon.ids import message_text
from peerpost_daemon.inbound import own, reading
from peerpost_daemon.inbound.message import message_of
from peerpost_daemon.inbound.opening import Fault, Opened, OpenedEnvelope, OwnEcho, Taking
from peerpost_daemon.inbound.rosters import meet, take_event
from peerpost_daemon.records import chains, channels, contacts, events, messages, quarantine
from peerpost_daemon.records.chains import Chain
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.records.contacts import ContactState, Trust
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link, Step, missing, step
from peerpost_protocol.content import ReadMark
from peerpost_protocol.envelope import Envelope
from peerpost_protocol.frames import Item
from peerpost_protocol.roster import RosterEvent

UNTRUSTED = "untrusted_card"
_MAX_GAP_LISTED = 32


def take(
    db: SqlConnection, channel_id: bytes, opened: Sequence[tuple[Item, Opened]], taking: Taking
) -> bool:
    """Take items of one channel in their order; return whether there was a roster event among them.

    Items at or before the channel's cursor are known already.
    """
    rosters_changed = False
    channel = channels.find(db, channel_id)
    for item, thing in opened:
        if channel is not None and item.position <= channel.cursor:
            continue
        match thing:
            case RosterEvent():
                rosters_changed = True
                channel = take_event(db, channel_id, channel, item, thing, taking=taking)
            case OpenedEnvelope() if channel is not None:
                _take_envelope(db, channel, item, thing, taking)
            case OwnEcho(claim) if channel is not None:
                own_fault = own.take(db, channel, item, claim, taking)
                if own_fault is not None:
                    reject(db, channel_id, item, own_fault, taking)
            case OpenedEnvelope() | OwnEcho():
                reject(db, channel_id, item, Fault("unknown_roster", "no roster is known"), taking)
            case Fault():
                reject(db, channel_id, item, thing, taking)
    if opened:
        channels.advance(db, channel_id, opened[-1][0].position)
    return rosters_changed


def release(
    db: SqlConnection, channel_id: bytes, item: Item, opened: Opened, taking: Taking
) -> None:
    """Take an envelope that was held only because its sender's card was not trusted."""
    channel = channels.find(db, channel_id)
    if channel is None or not isinstance(opened, OpenedEnvelope):
        return
    fault = _place(db, opened.envelope) or _trusted(db, opened.envelope) or opened.fault
    if fault is not None:
        reject(db, channel_id, item, fault, taking)
    else:
        _accept(db, channel, item, opened, taking)


def reject(db: SqlConnection, channel: bytes, item: Item, fault: Fault, taking: Taking) -> None:
    """Quarantine an item and say so."""
    quarantine.hold(
        db,
        channel,
        item.position,
        item.stored_at_ms,
        reason=fault.reason,
        card=fault.card,
        body=item.body,
    )
    warn(db, channel, fault, taking, position=item.position)


def warn(
    db: SqlConnection, channel: bytes, fault: Fault, taking: Taking, *, position: int | None
) -> None:
    """Raise the event that says what is wrong."""
    data = event_data.QuarantineData(
        reason=fault.reason,
        channel=channel.hex(),
        from_card=fault.card.hex() if fault.card else None,
        message=message_text(fault.message) if fault.message else None,
        sequence=fault.sequence,
        position=position,
        detail=fault.detail,
    )
    events.add(db, event_data.QUARANTINE, taking.now_ms, data, channel=channel)


def _take_envelope(
    db: SqlConnection, channel: Channel, item: Item, opened: OpenedEnvelope, taking: Taking
) -> None:
    envelope = opened.envelope
    fault = _belongs(db, channel, envelope)
    if fault is None:
        meet(db, envelope.sender, taking)  # the roster lists it; it could not be fetched before
        fault = _place(db, envelope) or _trusted(db, envelope) or opened.fault
    if fault is not None:
        reject(db, channel.id, item, fault, taking)
    else:
        _accept(db, channel, item, opened, taking)


def _belongs(db: SqlConnection, channel: Channel, envelope: Envelope) -> Fault | None:
    header = envelope.header
    if header.channel != channel.id:
        return _fault(envelope, "wrong_channel", "it was written for another channel")  # 1
    roster = channel.roster
    if (header.roster_position, header.roster_head) != (roster.position, roster.head):
        known = channels.event_id(db, channel.id, header.roster_position)
        if known == header.roster_head:
            return _fault(envelope, "stale_roster", "it was sealed under an older roster")  # 2
        return _fault(
            envelope, "unknown_roster", "it was sealed under a roster not known here"
        )  # 2
    if roster.speaks_for(envelope.sender) is None:
        return _fault(envelope, "not_a_member", "its sender is not a member")  # 3
    return None


def _place(db: SqlConnection, envelope: Envelope) -> Fault | None:
    """Say whether the envelope's place in its sender's chain is free (check 4)."""
    header = envelope.header
    known = chains.known(db, header.channel, header.sender, header.sequence)
    before = chains.chain(db, header.channel, header.sender)
    match step(before.last if before else None, header, envelope.id, known):
        case Step.REPLAY:
            return _fault(envelope, "replay", "it was received before")
        case Step.FORK:
            return _fault(envelope, "fork", "its sender's chain continues in another way")
        case Step.NEXT | Step.GAP:
            return None if _fits(db, envelope) else _fault(envelope, "fork", "it fits no gap")


def _fits(db: SqlConnection, envelope: Envelope) -> bool:
    """Say whether the envelope fits the neighbours that are held: it may fill a gap late."""
    header = envelope.header
    place = (db, header.channel, header.sender)
    before = chains.known(*place, header.sequence - 1)
    after = chains.known(*place, header.sequence + 1)
    return (before is None or before == header.previous) and (
        after is None or chains.previous_of(*place, header.sequence + 1) == envelope.id
    )


def _trusted(db: SqlConnection, envelope: Envelope) -> Fault | None:
    standing = contacts.standing(db, envelope.sender.id)
    if standing is None or standing[0] is not Trust.PINNED:
        return _fault(envelope, UNTRUSTED, "its sender's card has not been accepted")  # 5
    if standing[1] is ContactState.BLOCKED:
        return _fault(envelope, "blocked", "its sender is blocked")  # 5
    return None


def _accept(
    db: SqlConnection, channel: Channel, item: Item, opened: OpenedEnvelope, taking: Taking
) -> None:
    envelope, content = opened.envelope, opened.content
    assert content is not None
    _continue_chain(db, channel, envelope, item, taking)  # 7
    channels.owe_receipt(db, channel.id, item.position)
    if isinstance(content.body, ReadMark):
        reading.take(db, envelope, content.body, item, taking)
        return
    message = message_of(envelope, content, item, mine=False, now_ms=taking.now_ms)
    if message is None:
        fault = _fault(envelope, "unsupported_content", type(content.body).__name__.lower())  # 8
        reject(db, channel.id, item, fault, taking)
        return
    if message.expires_at_ms is not None and message.expires_at_ms <= taking.now_ms:
        return
    cursor = messages.add(db, message)
    if cursor is None:
        fault = _fault(envelope, "message_id_reused", "its sender has used the id before")  # 9
        reject(db, channel.id, item, fault, taking)
        return
    events.add_message(db, taking.now_ms, channel.id, cursor)


def _continue_chain(
    db: SqlConnection, channel: Channel, envelope: Envelope, item: Item, taking: Taking
) -> None:
    header = envelope.header
    link = Link(header.sequence, envelope.id)
    before = chains.chain(db, channel.id, header.sender)
    chains.add(db, channel.id, header.sender, link, header.previous)
    if before is not None and header.sequence < before.last.sequence:
        left = tuple(n for n in before.missing if n != header.sequence)
        chains.set_chain(db, channel.id, header.sender, Chain(before.last, left))
        fault = _fault(envelope, "out_of_order", "it came after later ones of its sender")
        warn(db, channel.id, fault, taking, position=item.position)
        return
    gap = missing(before.last if before else None, header)
    if before is None and channel.joined_late:
        gap = range(0)
    lost = tuple(gap[-_MAX_GAP_LISTED:])
    known = before.missing if before else ()
    chains.set_chain(db, channel.id, header.sender, Chain(link, known + lost))
    if lost:
        detail = f"{len(gap)} before it did not come, the first is {gap[0]}"
        warn(db, channel.id, _fault(envelope, "gap", detail), taking, position=item.position)


def _fault(envelope: Envelope, reason: str, detail: str) -> Fault:
    header = envelope.header
    return Fault(reason, detail, header.sender, header.message, header.sequence)
