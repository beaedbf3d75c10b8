r"""What stands before a backup's bulk: a magic line, the lock, the header.

    preamble = "peerpost backup 1\n" || u16 length || lock || u16 length || header

The lock may be replaced, the header never: it is associated data of the lock and of every chunk.
"""

from typing import Annotated

from msgspec import Meta, Struct

from peerpost_protocol import limits
from peerpost_protocol.backup.lock import BackupLock, decode_lock, encode_lock
from peerpost_protocol.errors import MalformedError
from peerpost_protocol.wire import Decoder, WireStruct, encode

MAGIC = b"peerpost backup 1\n"
SUITE = 1
ID_BYTES = 16
STREAM_BYTES = 24
_LENGTH = 2  # bytes of a length, big-endian
MAX_PREAMBLE = len(MAGIC) + 2 * _LENGTH + limits.MAX_BACKUP_LOCK + limits.MAX_BACKUP_HEADER


class BackupHeader(WireStruct, frozen=True):
    """Name a backup's suite and itself; `stream` begins the stream cipher."""

    suite: Annotated[int, Meta(ge=SUITE, le=SUITE)]
    id: Annotated[bytes, Meta(min_length=ID_BYTES, max_length=ID_BYTES)]
    stream: Annotated[bytes, Meta(min_length=STREAM_BYTES, max_length=STREAM_BYTES)]


class Preamble(Struct, frozen=True):
    """Be what has been read of a backup's beginning. `size`: how many bytes it takes."""

    lock: BackupLock
    header: bytes
    size: int


decode_header = Decoder[BackupHeader](BackupHeader, "header", limits.MAX_BACKUP_HEADER)


def make_header(id_: bytes, stream: bytes) -> bytes:
    """Return the bytes of a header; `id_` (16 bytes) and `stream` (24) are fresh and random."""
    return encode(BackupHeader(SUITE, id_, stream), limit=limits.MAX_BACKUP_HEADER)


def encode_preamble(lock: BackupLock, header: bytes) -> bytes:
    """Return the bytes that stand before the bulk."""
    parts = (encode_lock(lock), header)
    return MAGIC + b"".join(len(part).to_bytes(_LENGTH, "big") + part for part in parts)


def parse_preamble(data: bytes) -> Preamble:
    """Read the beginning of a backup, of which `data` is at least MAX_PREAMBLE bytes or all; raise MalformedError."""
    if not data.startswith(MAGIC):
        raise MalformedError("bad_backup", "this is no backup of this version", field="magic")
    lock, at = _field(data, len(MAGIC), "lock")
    header, at = _field(data, at, "header")
    decode_header(header)
    return Preamble(decode_lock(lock), header, at)


def _field(data: bytes, at: int, name: str) -> tuple[bytes, int]:
    begin = at + _LENGTH
    end = begin + int.from_bytes(data[at:begin], "big")
    if len(data) < end:
        raise MalformedError("bad_backup", "the backup ends in its preamble", field=name)
    return data[begin:end], end
