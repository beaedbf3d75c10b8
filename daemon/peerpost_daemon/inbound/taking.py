"""Take opened items into the vault: the checks that need memory, and the writes. Runs inside one transaction.

An envelope that is held already is passed over when the relay's positions have gone back since it was seen last; at
any other time it is a replay. Roster events that the relay left out are taken from the roster's own log as soon as
something shows that they are missing, with the event that says so; what was quarantined for want of them is released.

Checks of an envelope whose signature has been verified, in their order (docs/protocol/envelope.md, "Receiving"):
 1. it names the channel in whose stream it came                              wrong_channel
 2. it was sealed under the roster that is in force at its place              stale_roster, unknown_roster
 3. its sender's card speaks for a member, who may post                       not_a_member, may_not_post
 4. it is not one that is held already, nor a second one for its place        replay, fork
 5. the policies admit the sender's card                  untrusted_card, unverified_contact, revoked_card, blocked
 6. it opened for this card                                                   (the fault of opening)
 7. nothing is missing before it                                              gap: an event, and it is taken
 8. a message is deleted by its author or an admin only                       not_the_author
    its content is of a kind that this daemon knows                           unsupported_content
 9. its sender has not used its message id before                             message_id_reused
Read marks and changes of messages are taken after check 7: they are no messages (`reading`, `changing`).
What fails is quarantined with an event; nothing of it is shown, and the next item is taken as if it had not been there.
What fails before check 7 gets no receipt either: it is missing. An envelope of our own only confirms what the outbox
knows.
"""

from collections.abc import Sequence
from hashlib import sha256

from msgspec import Struct

from peerpost_daemon import changing, event_data
from peerpost_daemon.ids import message_text
from peerpost_daemon.inbound import (
    attachments,
    changes,
    inherited,
    invitations,
    own,
    place,
    reading,
)
from peerpost_daemon.inbound.belonging import (
    BLOCKED,
    UNTRUSTED,
    UNVERIFIED,
    belongs,
    fault_of,
    hole,
    shortened,
    trusted,
    unknown_roster,
)
from peerpost_daemon.inbound.message import message_of
from peerpost_daemon.inbound.opening import (
    UNSUPPORTED,
    Fault,
    Opened,
    OpenedEnvelope,
    OwnEcho,
    Taking,
    open_envelope,
    parse,
)
from peerpost_daemon.inbound.rosters import apply_withheld, begin_by_descent, meet, take_event
from peerpost_daemon.records import (
    alarms,
    chains,
    channels,
    contacts,
    events,
    messages,
    quarantine,
)
from peerpost_daemon.records.bodies import Change
from peerpost_daemon.records.chains import Chain
from peerpost_daemon.records.channels import Channel, ChannelState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link, missing
from peerpost_protocol.content import Content, ReadMark
from peerpost_protocol.envelope import Envelope, EnvelopeClaim
from peerpost_protocol.frames import Item, ItemKind
from peerpost_protocol.roster import RosterEvent

HELD_BACK = (UNTRUSTED, UNVERIFIED)
"""What waits for a judgement of its sender."""
MAX_RELEASED_UNDER = 256
"""Quarantined envelopes that are released with one roster event."""
_MAX_GAP_LISTED = 32


class Taken(Struct, frozen=True):
    """Say whether a roster changed, and whether the channel has to be read again by a new session."""

    rosters_changed: bool
    rewound: bool


def take(
    db: SqlConnection, channel_id: bytes, opened: Sequence[tuple[Item, Opened]], taking: Taking
) -> Taken:
    """Take items of one channel in their order.

    Items at or before the channel's cursor are known already; when the one at the cursor is another than it was, the
    relay has given its positions anew, and nothing is taken before the channel is read again from its beginning.
    """
    rosters_changed = False
    channel = channels.find(db, channel_id)
    last: Item | None = None
    for item, thing in opened:
        if channel is not None and channel.state in invitations.UNANSWERED:
            channel = invitations.hold(db, channel, item, thing, taking)
            rosters_changed |= isinstance(thing, RosterEvent)
            continue
        last = item
        if channel is not None and item.position <= channel.cursor:
            if item.position == channel.cursor and place.is_another(db, channel, item):
                _rewind(db, channel, taking)
                return Taken(rosters_changed, rewound=True)
            continue
        learned = False
        if channel is not None:
            channel, learned = _learn(db, channel, item, thing, taking)
        rosters_changed |= learned or isinstance(thing, RosterEvent)
        channel = _take_one(db, channel_id, channel, item, thing, taking=taking)
    if last is not None:
        channels.advance(db, channel_id, last.position, sha256(last.body).digest())
    return Taken(rosters_changed, rewound=False)


def _rewind(db: SqlConnection, channel: Channel, taking: Taking) -> None:
    channels.rewind(db, channel.id, 0)
    detail = f"another item stands at position {channel.cursor}"
    alarms.sound(db, "relay_rolled_back", detail, taking.now_ms, channel.id)


def _take_one(
    db: SqlConnection,
    channel_id: bytes,
    channel: Channel | None,
    item: Item,
    thing: Opened,
    *,
    taking: Taking,
) -> Channel | None:
    """Take one item; return the channel as it is then."""
    match thing:
        case RosterEvent():
            channel = take_event(db, channel_id, channel, item, thing, taking=taking)
            if channel is not None:
                _release_under(db, channel, taking)
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
    return channel


def release(
    db: SqlConnection, channel_id: bytes, item: Item, opened: Opened, taking: Taking
) -> None:
    """Take an envelope that was held only because its sender's card was not trusted."""
    channel = channels.find(db, channel_id)
    if channel is None or not isinstance(opened, OpenedEnvelope):
        return
    fault = (
        place.fault(db, opened.envelope, place.known(db, opened.envelope), item)
        or trusted(db, opened.envelope)
        or opened.closed
    )
    if fault is not None:
        reject(db, channel_id, item, fault, taking)
    else:
        _accept(db, channel, item, opened, taking)


def reject(db: SqlConnection, channel: bytes, item: Item, fault: Fault, taking: Taking) -> None:
    """Quarantine an item and say so; once only, should it come again after positions went back."""
    if fault.reason == BLOCKED:
        warn(db, channel, fault, taking, position=item.position)
        return
    if channels.era(db, channel) and quarantine.holds(db, channel, fault.card, item.body):
        return
    gone = quarantine.hold(
        db,
        channel,
        item.position,
        item.stored_at_ms,
        reason=fault.reason,
        card=fault.card,
        body=item.body,
    )
    if gone is not None:
        who = fault.card or channel
        detail = f"{gone.count} items of {gone.bytes} bytes, for another of {who.hex()}"
        alarms.sound(db, "quarantine_let_go", detail, taking.now_ms, channel)
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
    known = place.known(db, envelope)
    if known == envelope.id and _passed_over(db, envelope, item):
        return
    fault = belongs(db, channel, envelope)
    if fault is None:
        meet(db, envelope.sender, taking)  # the roster lists it; it could not be fetched before
        fault = place.fault(db, envelope, known, item) or trusted(db, envelope) or opened.closed
    if fault is not None:
        reject(db, channel.id, item, fault, taking)
    else:
        _accept(db, channel, item, opened, taking)


def _learn(
    db: SqlConnection, channel: Channel, item: Item, thing: Opened, taking: Taking
) -> tuple[Channel, bool]:
    """Take the roster events that the stream left out before an item; return whether there were any."""
    match thing:
        case RosterEvent():
            upto, fault = thing.body.position - 1, hole(thing)
        case OpenedEnvelope(envelope):
            upto, fault = envelope.header.roster_position, unknown_roster(envelope)
        case _:
            return channel, False
    return _learn_upto(db, channel, upto, fault, taking, position=item.position)


def learn(db: SqlConnection, channel_id: bytes, upto: int, taking: Taking) -> bool:
    """Take the roster events that the stream has not brought and brings no more; return whether there were any."""
    channel = channels.find(db, channel_id)
    if channel is None:
        return begin_by_descent(db, channel_id, taking.logs.get(channel_id, ()), taking)
    fault = Fault("unknown_roster", "the relay has a newer roster and did not bring it")
    return _learn_upto(db, channel, upto, fault, taking, position=None)[1]


def _learn_upto(
    db: SqlConnection,
    channel: Channel,
    upto: int,
    fault: Fault,
    taking: Taking,
    *,
    position: int | None,
) -> tuple[Channel, bool]:
    if channel.state is not ChannelState.ACTIVE or upto <= channel.roster.position:
        return channel, False
    before = channel.roster.position
    for event in taking.logs.get(channel.id, ()):
        if before < event.body.position <= upto:
            after = apply_withheld(db, channel, event, taking)
            if after is None:
                break
            channel = after
            _release_under(db, channel, taking)
    learned = channel.roster.position > before
    if learned:
        warn(db, channel.id, fault, taking, position=position)
    return channel, learned


def _release_under(db: SqlConnection, channel: Channel, taking: Taking) -> None:
    """Take what was quarantined because the roster that is in force now was not known."""
    for held in quarantine.held_in(db, channel.id, "unknown_roster", MAX_RELEASED_UNDER):
        item = Item(held.position, ItemKind.ENVELOPE, held.stored_at_ms, held.body)
        (parsed,) = parse([item])
        if not isinstance(parsed.claim, EnvelopeClaim):
            continue
        header = parsed.claim.header
        if (header.roster_position, header.roster_head) != (
            channel.roster.position,
            channel.roster.head,
        ):
            continue
        stored = contacts.card(db, header.sender)
        sender = taking.cards.get(header.sender) or (stored.card if stored else None)
        cards = {header.sender: sender} if sender else {}
        opened = open_envelope(parsed.claim, cards, taking.me)
        if isinstance(opened, OpenedEnvelope):
            quarantine.release(db, held.number)
            _take_envelope(db, channel, item, opened, taking)


def _passed_over(db: SqlConnection, envelope: Envelope, item: Item) -> bool:
    """Take note of the new position of what is held; return False when it has no reason to come again."""
    header = envelope.header
    if not chains.seen_again(db, header.channel, header.sender, header.sequence):
        return False
    messages.moved(db, header.message, header.sender, item.position)
    channels.owe_receipt(db, header.channel, item.position)
    return True


def _accept(
    db: SqlConnection, channel: Channel, item: Item, opened: OpenedEnvelope, taking: Taking
) -> None:
    _continue_chain(db, channel, opened.envelope, item, taking)  # 7
    channels.owe_receipt(db, channel.id, item.position)
    if opened.fault is not None:
        reject(db, channel.id, item, opened.fault, taking)  # 8
    elif opened.content is not None:
        _take_content(db, channel, item, opened.envelope, opened.content, taking=taking)


def _take_content(
    db: SqlConnection,
    channel: Channel,
    item: Item,
    envelope: Envelope,
    content: Content,
    *,
    taking: Taking,
) -> None:
    if isinstance(content.body, ReadMark):
        reading.take(db, envelope, content.body, item, taking)
        return
    if isinstance(content.body, Change):
        wrong = changes.take(db, channel, envelope, content.body, item, taking=taking)
        if wrong is not None:
            reject(db, channel.id, item, wrong, taking)  # 8
        return
    mine = envelope.sender.identity == taking.me.card.identity  # by another device
    if mine and inherited.is_page(channel, taking.me.card.identity, content.body):
        inherited.take(db, taking.me.card.identity, content.body, taking.now_ms)
        return
    message = message_of(envelope, content, item, mine=mine, now_ms=taking.now_ms)
    if message is None:
        fault = fault_of(envelope, UNSUPPORTED, type(content.body).__name__.lower())  # 8
        reject(db, channel.id, item, fault, taking)
        return
    message = shortened(message, channel, item)
    if message.expires_at_ms is not None and message.expires_at_ms <= taking.now_ms:
        return
    cursor = messages.add(db, message)
    if cursor is None:
        fault = fault_of(envelope, "message_id_reused", "its sender has used the id before")  # 9
        reject(db, channel.id, item, fault, taking)
        return
    attachments.take(db, cursor, content.body)
    if not mine:  # who answers messages must not answer itself
        events.add_message(db, taking.now_ms, channel.id, cursor)
    changing.settle(db, channel.id, message.id)


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
        fault = fault_of(envelope, "out_of_order", "it came after later ones of its sender")
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
        warn(db, channel.id, fault_of(envelope, "gap", detail), taking, position=item.position)
