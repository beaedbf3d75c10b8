"""From a content to the message it brings."""

from peerpost_daemon.records.bodies import encode_presentation
from peerpost_daemon.records.messages import Message
from peerpost_protocol.content import HISTORY_PAGE, Content, Data, Files, Text
from peerpost_protocol.envelope import Envelope
from peerpost_protocol.frames import Item


def message_of(
    envelope: Envelope, content: Content, item: Item, *, mine: bool, now_ms: int
) -> Message | None:
    """Return the message that a content brings, None when it is of a kind that is not shown."""
    match content.body:
        case Text(text) | Files(text):
            media_type, body = None, text.encode()
        case Data(media_type) if mine and media_type == HISTORY_PAGE:
            return None
        case Data(media_type, body):
            pass
        case _:
            return None
    header, shown, asks = envelope.header, content.presentation, content.correlation
    return Message(
        id=header.message,
        channel=header.channel,
        card=header.sender,
        identity=envelope.sender.identity,
        mine=mine,
        sequence=header.sequence,
        position=item.position,
        media_type=media_type,
        body=body,
        reply_to=content.reply_to,
        sent_at_ms=header.sent_at_ms,
        received_at_ms=now_ms,
        expires_at_ms=header.expires_at_ms,
        title=shown.title if shown else None,
        presentation=encode_presentation(shown),
        request=asks.request if asks else None,
        answers=bool(asks and asks.answers),
    )
