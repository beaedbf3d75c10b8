"""Messages."""

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct, structs

from peerpost_daemon.event_data import status_word
from peerpost_daemon.ids import message_text
from peerpost_daemon.records import reactions as reactions_to
from peerpost_daemon.records import references
from peerpost_daemon.records.bodies import decode_presentation
from peerpost_daemon.records.messages import StoredMessage
from peerpost_daemon.records.reactions import Reaction as Put
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.views.file import Attached, attached
from peerpost_daemon.views.words import PRIORITIES, DeliveryStatus, Priority
from peerpost_protocol.content import Presentation


class Reaction(Struct, frozen=True):
    """Show a sign and the identities that put it to a message."""

    emoji: str
    identities: list[str]


class Message(Struct, frozen=True, rename={"from_": "from"}):
    """Show a message; `status` of one's own only, `channel` null until a first direct one has it.

    `thread` is the first message of its thread; `answers` the request that it answers. Of a deleted message only the
    head is left. What was `imported` had no signature that this daemon verified.
    """

    message: str
    cursor: int
    channel: str | None
    channel_name: str | None
    from_: str
    from_card: str
    mine: bool
    kind: Literal["text", "data", "files"]
    text: str | None
    data: bytes | None
    media_type: str | None
    files: list[Attached]
    reply_to: str | None
    sequence: int | None
    position: int | None
    sent_at_ms: int
    received_at_ms: int | None
    expires_at_ms: int | None
    status: DeliveryStatus | None
    thread: str | None
    title: str | None
    priority: Priority
    tags: list[str]
    mentions: list[str]
    markdown: bool
    expects_reply: bool
    answers: str | None
    edited_at_ms: int | None
    deleted_at_ms: int | None
    deleted_by: str | None
    imported: bool
    reactions: list[Reaction]


class MessageChanged(Struct, frozen=True):
    """Show what somebody did to a message, and the message as it is now."""

    change: Literal["edited", "deleted", "reacted", "withdrawn"]
    by: str
    emoji: str | None
    message: Message


class Messages(Struct, frozen=True):
    """Show a page of messages in ascending order; `more`: the page could go on in its direction.

    `next` and `previous` are the cursors of what follows and what precedes it.
    """

    messages: list[Message]
    more: bool
    next: str | None
    previous: str | None


def message(
    stored: StoredMessage, channel_name: str | None, reactions: Iterable[Put] = ()
) -> Message:
    """Return a message in its written form."""
    said = stored.message
    is_text, is_there = said.media_type is None, said.deleted_at_ms is None
    shown = decode_presentation(said.presentation) or _PLAIN
    return Message(
        message=message_text(said.id),
        cursor=stored.cursor,
        channel=said.channel.hex() if said.channel else None,
        channel_name=channel_name,
        from_=said.identity,
        from_card=said.card.hex(),
        mine=said.mine,
        kind="files" if said.files else "text" if is_text else "data",
        text=said.body.decode() if is_text and is_there else None,
        data=said.body if is_there and not is_text else None,
        media_type=said.media_type,
        files=attached(said.files),
        reply_to=message_text(said.reply_to) if said.reply_to else None,
        sequence=said.sequence,
        position=said.position,
        sent_at_ms=said.sent_at_ms,
        received_at_ms=said.received_at_ms,
        expires_at_ms=said.expires_at_ms,
        status=status_word(stored.status) if stored.status else None,  # type: ignore[arg-type]
        thread=message_text(said.thread) if said.thread else None,
        title=shown.title,
        priority=PRIORITIES[shown.priority - 1],
        tags=list(shown.tags),
        mentions=list(shown.mentions),
        markdown=shown.markdown,
        expects_reply=said.request is not None and not said.answers,
        answers=message_text(said.request) if said.request and said.answers else None,
        edited_at_ms=said.edited_at_ms,
        deleted_at_ms=said.deleted_at_ms,
        deleted_by=said.deleted_by,
        imported=said.imported,
        reactions=[Reaction(put.emoji, list(put.identities)) for put in reactions],
    )


def head_of(shown: Message) -> Message:
    """Return what is shown of a message to a caller who may write in its channel, and not read there."""
    return structs.replace(
        shown,
        text=None,
        data=None,
        media_type=None,
        title=None,
        files=[],
        tags=[],
        mentions=[],
        reactions=[],
    )


def with_reactions(
    db: SqlConnection, found: Sequence[StoredMessage], channel_name: str | None = None
) -> list[Message]:
    """Return messages with the reactions to them; of several channels without a name."""
    put = reactions_to.of(db, (stored.cursor for stored in found))
    return [
        message(
            stored,
            channel_name or _name(db, stored),
            put.get(stored.cursor, ()),
        )
        for stored in found
    ]


def _name(db: SqlConnection, stored: StoredMessage) -> str | None:
    channel = stored.message.channel
    return references.name_of(db, channel) if channel else None


_PLAIN = Presentation(None, 3, (), (), markdown=False)
