"""Take a page of the history that another device of this identity hands on.

Attacker: whoever has that device. It can put words into anybody's mouth, which is why they are shown as imported; it
cannot have anything stored here that would not be taken from its sender, nor stop what comes after its page.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct, structs

from peerpost_daemon import event_data
from peerpost_daemon.inheritance import is_of
from peerpost_daemon.records import events, inheritance, messages
from peerpost_daemon.records.bodies import decode_presentation
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.records.messages import Message
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol import limits
from peerpost_protocol.content import HISTORY_PAGE, Body, Data, MediaType
from peerpost_protocol.identity import Identity
from peerpost_protocol.wire import Counter, Digest, MessageId, Milliseconds

_page = msgspec.msgpack.Decoder(list[Message])
_MALFORMED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Form(Struct, frozen=True):
    """Say which form the parts of a message have."""

    id: MessageId
    channel: Digest
    card: Digest
    identity: Identity
    sequence: Counter | None
    position: Counter | None
    media_type: MediaType | None
    body: Annotated[bytes, Meta(max_length=limits.MAX_DATA)]
    reply_to: MessageId | None
    sent_at_ms: Milliseconds
    received_at_ms: Milliseconds | None
    expires_at_ms: Milliseconds | None
    title: Annotated[str, Meta(max_length=limits.MAX_TITLE_CHARACTERS)] | None
    request: MessageId | None
    edited_at_ms: Milliseconds | None
    deleted_at_ms: Milliseconds | None
    deleted_by: Identity | None


def is_page(channel: Channel, identity: str, body: Body) -> bool:
    """Say whether a body of an own card in this channel is a page."""
    return isinstance(body, Data) and body.media_type == HISTORY_PAGE and is_of(channel, identity)


def take(db: SqlConnection, identity: str, body: Body, now_ms: int) -> None:
    """Store a page's messages as imported ones, if this device asked for them; what is here already stays as it is."""
    assert isinstance(body, Data)
    if not inheritance.is_expected(db):
        return
    good, total = sound(body.data, now_ms)
    stored = sum(
        messages.restore(db, structs.replace(one, mine=one.identity == identity, imported=True))
        for one in good
    )
    detail = f"{stored} of {total} messages"
    data = event_data.DaemonData("history_received", detail)
    events.add(db, event_data.DAEMON, now_ms, data)


def sound(data: bytes, now_ms: int) -> tuple[list[Message], int]:
    """Return the messages of a page that have their form and have not expired, and how many there are in all."""
    try:
        found = _page.decode(data)
    except _MALFORMED:
        found = []
    return [one for one in found if _is_sound(one, now_ms)], len(found)


def _is_sound(one: Message, now_ms: int) -> bool:
    if one.expires_at_ms is not None and one.expires_at_ms <= now_ms:
        return False
    try:
        msgspec.convert(structs.asdict(one), _Form)
        decode_presentation(one.presentation)
        if one.media_type is None:
            one.body.decode()
    except _MALFORMED:
        return False
    return True
