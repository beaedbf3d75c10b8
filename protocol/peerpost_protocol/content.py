"""Contents: what is inside an envelope. The relay never sees these bytes.

Sender, channel and sequence stand here again and are compared with the signed header when an envelope is opened: a
member who puts another's ciphertext under a header of his own is found out.
"""

import re
from typing import Annotated, Final, get_args

from msgspec import Meta, Raw

from peerpost_protocol import limits
from peerpost_protocol.errors import MalformedError, TooLargeError, UnsupportedContentError
from peerpost_protocol.head import tag_of
from peerpost_protocol.identity import Identity
from peerpost_protocol.wire import Counter, Decoder, Digest, Key, MessageId, WireStruct, encode

TextString = Annotated[str, Meta(max_length=limits.MAX_TEXT_CHARACTERS)]
MediaType = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*(;[ -~]*)?\Z",
        max_length=limits.MAX_MEDIA_TYPE_CHARACTERS,
    ),
]
Tag = Annotated[str, Meta(min_length=1, max_length=limits.MAX_TAG_CHARACTERS)]
FileName = Annotated[str, Meta(min_length=1, max_length=limits.MAX_FILE_NAME_CHARACTERS)]

HISTORY_PAGE: Final = "application/vnd.peerpost.history-page.v1"
"""The media type of messages that a device hands on to another one of its identity."""


class Text(WireStruct, frozen=True, tag="text"):
    """Be a text, UTF-8."""

    text: TextString


class Data(WireStruct, frozen=True, tag="data"):
    """Be any bytes with their media type (RFC 6838, lower case)."""

    media_type: MediaType
    data: Annotated[bytes, Meta(max_length=limits.MAX_DATA)]


class File(WireStruct, frozen=True):
    """Refer to an encrypted blob: its id at the relay, its key, and what it must be once opened.

    `preview`: a small picture of it, PNG or JPEG.
    """

    blob: Digest
    key: Key
    size: Counter
    sha256: Digest
    name: FileName
    media_type: MediaType
    preview: Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_PREVIEW)] | None


class Files(WireStruct, frozen=True, tag="files"):
    """Be files with what is said about them."""

    text: Annotated[str, Meta(max_length=limits.MAX_CAPTION_CHARACTERS)]
    files: Annotated[tuple[File, ...], Meta(min_length=1, max_length=limits.MAX_FILES)]


class Reaction(WireStruct, frozen=True, tag="reaction"):
    """React to a message, or take the reaction back."""

    message: MessageId
    author: Identity
    emoji: Annotated[str, Meta(min_length=1, max_length=limits.MAX_EMOJI_CHARACTERS)]
    withdrawn: bool


class Edit(WireStruct, frozen=True, tag="edit"):
    """Replace the text of a message of one's own."""

    message: MessageId
    text: TextString


class Deletion(WireStruct, frozen=True, tag="deletion"):
    """Delete a message of one's own, or, as an admin, of another member."""

    message: MessageId
    author: Identity


class ReadMark(WireStruct, frozen=True, tag="read_mark"):
    """Say that everything up to a position of the channel has been read."""

    position: Counter


Body = Text | Data | Files | Reaction | Edit | Deletion | ReadMark


class Correlation(WireStruct, frozen=True):
    """Tie an answer to its request: both carry the request's message id."""

    request: MessageId
    answers: bool


class Presentation(WireStruct, frozen=True):
    """Say how a message wants to be shown; `markdown`: its text may be read as Markdown."""

    title: Annotated[str, Meta(max_length=limits.MAX_TITLE_CHARACTERS)] | None
    priority: Annotated[int, Meta(ge=1, le=5)]
    tags: Annotated[tuple[Tag, ...], Meta(max_length=limits.MAX_TAGS)]
    mentions: Annotated[tuple[Identity, ...], Meta(max_length=limits.MAX_MENTIONS)]
    markdown: bool


class Content(WireStruct, frozen=True):
    """Be what is sealed: who, where, which, in reply to what, the body, and how it wants to be shown."""

    sender: Digest
    channel: Digest
    sequence: Counter
    reply_to: MessageId | None
    correlation: Correlation | None
    body: Body
    presentation: Presentation | None


class _Outline(WireStruct, frozen=True):
    """Be a content whose body is not looked into."""

    sender: Digest
    channel: Digest
    sequence: Counter
    reply_to: MessageId | None
    correlation: Correlation | None
    body: Raw
    presentation: Presentation | None


_decode = Decoder[Content](Content, "content", limits.MAX_CONTENT)
_decode_outline = Decoder[_Outline](_Outline, "content", limits.MAX_CONTENT)
_KINDS: Final = frozenset(kind.__struct_config__.tag for kind in get_args(Body))
_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")


def decode_content(data: bytes) -> Content:
    """Return the content; raise MalformedError naming the field that is outside its form.

    Raise UnsupportedContentError where nothing is wrong but that the kind of the body is not known here.
    """
    try:
        content = _decode(data)
    except MalformedError:
        _refuse_unknown_kind(data)
        raise
    if (field := _too_large(content.body)) is not None:
        raise MalformedError("too_large", "over its bound in bytes", field=f"content.body.{field}")
    return content


def encode_content(content: Content) -> bytes:
    """Encode a content.

    Raise TooLargeError naming the field that is over its bound, MalformedError for text that is no Unicode.
    """
    if (field := _too_large(content.body)) is not None:
        raise TooLargeError("too_large", "over its bound in bytes", field=field)
    return encode(content, limit=limits.MAX_CONTENT)


def _refuse_unknown_kind(data: bytes) -> None:
    """Raise UnsupportedContentError, or MalformedError for what is outside the form around the body."""
    outline = _decode_outline(data)
    kind = tag_of(bytes(outline.body))
    if kind is not None and kind not in _KINDS and _KIND.match(kind):
        raise UnsupportedContentError(kind, (outline.sender, outline.channel, outline.sequence))


def _too_large(body: Body) -> str | None:
    """Name the field whose bound in bytes its type cannot say; None when all is well."""
    if isinstance(body, Text | Edit) and _utf8_length(body.text) > limits.MAX_TEXT:
        return "text"
    if isinstance(body, Data) and len(body.data) > limits.MAX_DATA:
        return "data"
    return None


def _utf8_length(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))  # `encode` refuses lone surrogates by name
