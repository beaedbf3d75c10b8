"""Page cursors: where a list of messages goes on, in either direction. Callers hand them back unread."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from peerpost_daemon.errors import DaemonError
from peerpost_protocol.limits import MAX_COUNTER

MAX_PAGE_CURSOR_CHARACTERS: Final = 64
PageParam = Annotated[
    str,
    Meta(max_length=MAX_PAGE_CURSOR_CHARACTERS, description="a cursor that a page came with"),
]


class Place(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Be a message's place, and whether what follows it is meant or what precedes it."""

    cursor: Annotated[int, Meta(ge=0, le=MAX_COUNTER)]
    onward: bool


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Place)


def written(cursor: int, *, onward: bool) -> str:
    """Return a page cursor."""
    return urlsafe_b64encode(_encode(Place(cursor, onward))).decode().rstrip("=")


def place(text: str) -> Place:
    """Return what a page cursor means; raise DaemonError invalid_params."""
    try:
        return _decoder.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, msgspec.DecodeError):
        message = "That is no cursor of a page."
        raise DaemonError("invalid_params", message, field="page") from None
