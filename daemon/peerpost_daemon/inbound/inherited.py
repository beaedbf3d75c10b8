"""Take a page of the history that another device of this identity hands on."""

import msgspec
from msgspec import structs

from peerpost_daemon import event_data
from peerpost_daemon.inheritance import is_of
from peerpost_daemon.records import events, inheritance, messages
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.records.messages import Message
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol import limits
from peerpost_protocol.content import HISTORY_PAGE, Body, Data
from peerpost_protocol.errors import MalformedError
from peerpost_protocol.identity import normalise

_page = msgspec.msgpack.Decoder(list[Message])


def is_page(channel: Channel, identity: str, body: Body) -> bool:
    """Say whether a body of an own card in this channel is a page."""
    return isinstance(body, Data) and body.media_type == HISTORY_PAGE and is_of(channel, identity)


def take(db: SqlConnection, identity: str, body: Body, now_ms: int) -> None:
    """Store a page's messages as imported ones, if this device asked for them; what is here already stays as it is."""
    assert isinstance(body, Data)
    if not inheritance.is_expected(db):
        return
    try:
        found = _page.decode(body.data)
    except msgspec.DecodeError:
        found = []
    good = [one for one in found if _is_sound(one, now_ms)]
    stored = sum(
        messages.restore(db, structs.replace(one, mine=one.identity == identity, imported=True))
        for one in good
    )
    detail = f"{stored} of {len(found)} messages"
    data = event_data.DaemonData("history_received", detail)
    events.add(db, event_data.DAEMON, now_ms, data)


def _is_sound(one: Message, now_ms: int) -> bool:
    """Say whether the parts have their form: who wrote the page is this identity, and may yet be in error."""
    if one.expires_at_ms is not None and one.expires_at_ms <= now_ms:
        return False
    lengths = (len(one.id), len(one.channel or b""), len(one.card))
    try:
        one_written_form = normalise(one.identity, field="identity") == one.identity
    except MalformedError:
        return False
    return one_written_form and lengths == (16, 32, 32) and len(one.body) <= limits.MAX_DATA
