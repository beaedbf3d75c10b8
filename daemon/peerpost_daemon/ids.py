"""Identifiers as they are written: UUIDv7 for messages (RFC 9562, section 5.7), hex for cards and channels."""

import uuid
from collections.abc import Callable

from peerpost_daemon.errors import DaemonError

_RANDOM_BYTES = 10


def new_message_id(now_ms: int, random_bytes: Callable[[int], bytes]) -> bytes:
    """Return a new UUIDv7: 48 bits of time in milliseconds, 74 random ones."""
    tail = bytearray(random_bytes(_RANDOM_BYTES))
    tail[0] = 0x70 | (tail[0] & 0x0F)
    tail[2] = 0x80 | (tail[2] & 0x3F)
    return (now_ms & (2**48 - 1)).to_bytes(6, "big") + bytes(tail)


def message_text(id_: bytes) -> str:
    """Return a message id as it is written."""
    return str(uuid.UUID(bytes=id_))


def message_bytes(text: str, *, field: str = "message") -> bytes:
    """Return the bytes of a written message id; raise DaemonError invalid_params."""
    try:
        return uuid.UUID(text).bytes
    except ValueError:
        raise DaemonError("invalid_params", "A message id is a UUID.", field=field) from None
