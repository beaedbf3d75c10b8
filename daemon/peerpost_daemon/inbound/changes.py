"""Take changes of messages: they are no messages themselves. `changing` says who may change what."""

from peerpost_daemon import changing
from peerpost_daemon.changing import Changing
from peerpost_daemon.inbound.opening import Fault, Taking
from peerpost_daemon.records.bodies import Change
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import Body, Edit
from peerpost_protocol.envelope import Envelope
from peerpost_protocol.frames import Item


def take(
    db: SqlConnection,
    channel: Channel,
    envelope: Envelope,
    body: Change,
    item: Item,
    *,
    taking: Taking,
) -> Fault | None:
    """Make a change, or keep it until its message comes; return what is wrong when its sender may not."""
    sender, header = envelope.sender.identity, envelope.header
    may = changing.moderates(channel.roster, sender)
    change = Changing(channel.id, sender, may, item.position, taking.now_ms, body)
    if not changing.is_allowed(change):
        detail = "its sender may not delete the message"
        return Fault("not_the_author", detail, header.sender, header.message, header.sequence)
    changing.apply_or_hold(db, change)
    return None


def take_echo(
    db: SqlConnection, channel: Channel, body: Body, item: Item, *, taking: Taking
) -> None:
    """Give an edit of ours that the stream brings back its place among those of our other cards."""
    if isinstance(body, Edit):
        me = taking.me.card.identity
        edit = Changing(channel.id, me, False, item.position, taking.now_ms, body, is_echo=True)  # noqa: FBT003
        changing.apply(db, edit)
