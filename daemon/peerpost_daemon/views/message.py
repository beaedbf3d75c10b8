"""Messages."""

from typing import Literal

from msgspec import Struct

from peerpost_daemon.event_data import status_word
from peerpost_daemon.ids import message_text
from peerpost_daemon.records.messages import StoredMessage
from peerpost_daemon.views.delivery import DeliveryStatus


class Message(Struct, frozen=True, rename={"from_": "from"}):
    """Show a message; `status` of one's own only, `channel` null until a first direct one has it."""

    message: str
    cursor: int
    channel: str | None
    channel_name: str | None
    from_: str
    from_card: str
    mine: bool
    kind: Literal["text", "data"]
    text: str | None
    data: bytes | None
    media_type: str | None
    reply_to: str | None
    sequence: int | None
    position: int | None
    sent_at_ms: int
    received_at_ms: int | None
    expires_at_ms: int | None
    status: DeliveryStatus | None


class Messages(Struct, frozen=True):
    """Show a page of a channel's messages in ascending order; `more`: the page could go on."""

    messages: list[Message]
    more: bool


def message(stored: StoredMessage, channel_name: str | None) -> Message:
    """Return a message in its written form."""
    said = stored.message
    is_text = said.media_type is None
    return Message(
        message=message_text(said.id),
        cursor=stored.cursor,
        channel=said.channel.hex() if said.channel else None,
        channel_name=channel_name,
        from_=said.identity,
        from_card=said.card.hex(),
        mine=said.mine,
        kind="text" if is_text else "data",
        text=said.body.decode() if is_text else None,
        data=None if is_text else said.body,
        media_type=said.media_type,
        reply_to=message_text(said.reply_to) if said.reply_to else None,
        sequence=said.sequence,
        position=said.position,
        sent_at_ms=said.sent_at_ms,
        received_at_ms=said.received_at_ms,
        expires_at_ms=said.expires_at_ms,
        status=status_word(stored.status) if stored.status else None,  # type: ignore[arg-type]
    )
