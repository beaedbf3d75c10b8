"""Envelopes of this card that come back in the stream: they confirm what the outbox knows.

The ids are compared, and an id covers header and ciphertext: nothing has to be verified again. When the vault does not
know one (it was restored from an older copy), it is taken as the message it is: verified, and opened with this card's
own wrap. When the message still waits in the outbox, it waits no longer: the relay would refuse it under another
sequence. The chain then goes on after it, and no sequence is used twice.
"""

from peerpost_daemon import event_data
from peerpost_daemon.delivering import note_delivered, tell_status, tell_status_of
from peerpost_daemon.inbound import attachments, changes
from peerpost_daemon.inbound.message import message_of
from peerpost_daemon.inbound.opening import Fault, OpenedEnvelope, Taking, open_envelope
from peerpost_daemon.records import (
    channels,
    events,
    kept,
    messages,
    outbox,
    outbox_progress,
    outbox_recovery,
    own_links,
)
from peerpost_daemon.records.bodies import Change, decode_body
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.records.outbox_recovery import Recovered
from peerpost_daemon.records.outgoing import Outgoing
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card
from peerpost_protocol.chain import Link
from peerpost_protocol.envelope import EnvelopeClaim, Header, recipients_of
from peerpost_protocol.frames import Item


def take(
    db: SqlConnection, channel: Channel, item: Item, claim: EnvelopeClaim, taking: Taking
) -> Fault | None:
    """Confirm or recover an own envelope; return what is wrong with it otherwise."""
    header = claim.header
    own = _earlier(header, taking)
    row = outbox.by_sequence(db, channel.id, header.sequence, own)
    if row is not None and row.envelope_id == claim.id and header.channel == channel.id:
        _confirm(db, channel, item, row, taking)
        return None
    if _is_pruned(db, channel, claim, own):
        return None
    opened = open_envelope(claim, {header.sender: _sender(header, taking)}, taking.me)
    if isinstance(opened, Fault):
        return opened
    if header.channel != channel.id:
        return _fault(header, "wrong_channel", "it was written for another channel")
    if row is not None:
        return _fault(header, "own_fork", "another envelope of ours has its place")
    return _recover(db, channel, item, opened, taking)


def _is_pruned(db: SqlConnection, channel: Channel, claim: EnvelopeClaim, own: bytes) -> bool:
    """Say whether it is an old one that was finished, and whose row is gone."""
    known = own_links.known(db, channel.id, claim.header.sequence, own)
    return known is not None and known.id == claim.id and claim.header.channel == channel.id


def _confirm(
    db: SqlConnection, channel: Channel, item: Item, row: Outgoing, taking: Taking
) -> None:
    now_ms = taking.now_ms
    fresh = row.position is None
    there = outbox_progress.sent(db, row.message, item.position, now_ms) if fresh else None
    if there is not None:
        if not row.own:
            channels.set_sent(db, channel.id, there.link)
        kept.bound(db)
        tell_status_of(db, there, now_ms)
        span = there.link.sequence, there.link.sequence  # the relay's answer will find it known
        note_delivered(db, channel.id, span, taking.me.card, now_ms, own=row.own)
    elif row.position != item.position and channels.era(db, channel.id):
        outbox_progress.moved(db, row.number, item.position)
    if row.content:
        changes.take_echo(db, channel, decode_body(row.content), item, taking=taking)


def _sender(header: Header, taking: Taking) -> Card:
    card = taking.me.own(header.sender)
    assert card is not None  # else it were no echo
    return card


def _earlier(header: Header, taking: Taking) -> bytes:
    """Return the earlier card of ours that sealed it, empty for the one in force."""
    return header.sender if header.sender != taking.me.card.id else b""


def _fault(header: Header, reason: str, detail: str) -> Fault:
    return Fault(reason, detail, header.sender, header.message, header.sequence)


def _recover(
    db: SqlConnection, channel: Channel, item: Item, opened: OpenedEnvelope, taking: Taking
) -> Fault | None:
    now_ms = taking.now_ms
    if opened.content is None:
        return opened.fault
    envelope, body = opened.envelope, opened.content.body
    if isinstance(body, Change):
        changes.take(db, channel, envelope, body, item, taking=taking)
    link = Link(opened.envelope.header.sequence, opened.envelope.id)
    own = _earlier(opened.envelope.header, taking)
    if not own:
        channels.set_sent(db, channel.id, link)
        if channel.own is None or channel.own.sequence < link.sequence:
            channels.set_own(db, channel.id, link)
    known, cards = opened.envelope.header.message, recipients_of(opened.envelope)
    at = item.position
    if outbox_recovery.recover(
        db, known, link, recipients=cards, position=at, now_ms=now_ms, own=own
    ):
        tell_status(db, known, now_ms)
        return None
    sent_at_ms = opened.envelope.header.sent_at_ms
    recovered = Recovered(channel.id, link, tuple(cards), at, sent_at_ms, own)
    _add(db, opened, item, recovered, now_ms)
    span = link.sequence, link.sequence  # a receipt may have come before
    note_delivered(db, channel.id, span, taking.me.card, now_ms, own=own)
    return None


def _add(
    db: SqlConnection, opened: OpenedEnvelope, item: Item, recovered: Recovered, now_ms: int
) -> None:
    """Store what the vault does not know: a message with its row, or the row alone of what is no message."""
    assert opened.content is not None
    known = opened.envelope.header.message
    message = message_of(opened.envelope, opened.content, item, mine=True, now_ms=now_ms)
    if message is None:
        outbox_recovery.recover_unknown(db, known, 0, recovered, content=b"")
        return
    cursor = messages.add(db, message)
    if cursor is not None:
        attachments.take(db, cursor, opened.content.body)
        outbox_recovery.recover_unknown(db, known, cursor, recovered, content=None)
        detail = f"sequence {recovered.link.sequence}"
        data = event_data.DaemonData("message_recovered", detail)
        events.add(db, event_data.DAEMON, now_ms, data, channel=recovered.channel)
