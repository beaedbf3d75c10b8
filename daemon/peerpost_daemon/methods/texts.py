"""Texts and data that callers give: checked against the bounds of the protocol."""

import msgspec

from peerpost_daemon.errors import DaemonError
from peerpost_protocol import limits
from peerpost_protocol.content import MediaType


def body_of_text(text: str) -> bytes:
    """Return the bytes of a text. Raises DaemonError invalid_params, too_large."""
    try:
        body = text.encode()
    except UnicodeEncodeError:
        raise _invalid("The text holds a lone surrogate.", "text") from None
    if len(body) > limits.MAX_TEXT or len(text) > limits.MAX_TEXT_CHARACTERS:
        message = (
            f"A text has at most {limits.MAX_TEXT_CHARACTERS} characters "
            f"and {limits.MAX_TEXT} bytes."
        )
        raise DaemonError("too_large", message, field="text")
    return body


def check_data(media_type: str | None, data: bytes) -> str:
    """Return the media type of data. Raises DaemonError invalid_params, too_large."""
    if media_type is None:
        raise _invalid("Data needs a media_type, such as application/json.", "media_type")
    try:
        msgspec.convert(media_type, MediaType)
    except msgspec.ValidationError:
        raise _invalid("A media_type is lower case, such as image/png.", "media_type") from None
    if len(data) > limits.MAX_DATA:
        raise DaemonError("too_large", f"Data has at most {limits.MAX_DATA} bytes.", field="data")
    return media_type


def _invalid(message: str, field: str) -> DaemonError:
    return DaemonError("invalid_params", message, field=field)
