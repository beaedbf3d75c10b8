"""Envelopes of this card that come back in the stream: they confirm what the outbox knows.

The ids are compared, and an id covers header and ciphertext: nothing has to be verified again. When the vault does not
know one (it was restored from an older copy), it is taken as the message it is: verified, and opened with this card's
own wrap. When the message still waits in the outbox, it waits no longer: the relay would refuse it under another
sequence. The chain then goes on after it, and no sequence is used twice.
"""

from peerpost_daemon import event_data
from peerpost_daemon.delivering import tell_status
from peerpost_daemon.inbound.message import message_of
from peerpost_daemon.inbound.opening import Fault, OpenedEnvelope, Taking, open_envelope
from peerpost_daemon.records import channels, events, messages, outbox
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link
from peerpost_protocol.envelope import EnvelopeClaim, Header, recipients_of
from peerpost_protocol.frames import Item


def take(
    db: SqlConnection, channel: Channel, item: Item, claim: EnvelopeClaim, taking: Taking
) -> Fault | None:
    """Confirm or recover an own envelope; return what is wrong with it otherwise."""
    header = claim.header
    row = outbox.by_sequence(db, channel.id, header.sequence)
    if row is not None and row.envelope_id == claim.id and header.channel == channel.id:
        _confirm(db, channel, item, row.message, taking.now_ms)
        return None
    opened = open_envelope(claim, {taking.me.card.id: taking.me.card}, taking.me)
    if isinstance(opened, Fault):
        return opened
    if header.channel != channel.id:
        return _fault(header, "wrong_channel", "it was written for another channel")
    if row is not None:
        return _fault(header, "own_fork", "another envelope of ours has its place")
    return _recover(db, channel, item, opened, taking.now_ms)


def _confirm(db: SqlConnection, channel: Channel, item: Item, message: bytes, now_ms: int) -> None:
    link = outbox.sent(db, message, item.position, now_ms)
    if link is not None:
        channels.set_sent(db, channel.id, link)
        tell_status(db, message, now_ms)


def _fault(header: Header, reason: str, detail: str) -> Fault:
    return Fault(reason, detail, header.sender, header.message, header.sequence)


def _recover(
    db: SqlConnection, channel: Channel, item: Item, opened: OpenedEnvelope, now_ms: int
) -> Fault | None:
    if opened.content is None:
        return opened.fault
    link = Link(opened.envelope.header.sequence, opened.envelope.id)
    channels.set_sent(db, channel.id, link)
    if channel.own is None or channel.own.sequence < link.sequence:
        channels.set_own(db, channel.id, link)
    known, cards = opened.envelope.header.message, recipients_of(opened.envelope)
    if outbox.recover(db, known, link, recipients=cards, position=item.position, now_ms=now_ms):
        tell_status(db, known, now_ms)
        return None
    message = message_of(opened.envelope, opened.content, item, mine=True, now_ms=now_ms)
    if message is not None and messages.add(db, message) is not None:
        data = event_data.DaemonData("message_recovered", f"sequence {link.sequence}")
        events.add(db, event_data.DAEMON, now_ms, data, channel=channel.id)
    return None
