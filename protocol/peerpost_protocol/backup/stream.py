"""The bulk of a backup: records, one after the other, sealed in chunks by libsodium's secretstream.

    plaintext = (u32 length || record)*
    chunk     = secretstream(up to 65,536 bytes of plaintext, associated data = label || header)

Every chunk but the last has 65,536 bytes and the tag MESSAGE; the last one has 1 to 65,536 and the tag FINAL. The
cipher's state goes through all of them, so a chunk that is changed, missing, moved or of another backup does not open,
and an end that was cut off has no FINAL. Whoever stores records does so only once `Opener.finish` has returned.
"""

from nacl.bindings import (
    crypto_secretstream_xchacha20poly1305_ABYTES as TAG_BYTES,
)
from nacl.bindings import (
    crypto_secretstream_xchacha20poly1305_init_pull,
    crypto_secretstream_xchacha20poly1305_pull,
    crypto_secretstream_xchacha20poly1305_push,
    crypto_secretstream_xchacha20poly1305_state,
)
from nacl.bindings import (
    crypto_secretstream_xchacha20poly1305_TAG_FINAL as FINAL,
)
from nacl.bindings import (
    crypto_secretstream_xchacha20poly1305_TAG_MESSAGE as MESSAGE,
)
from nacl.exceptions import CryptoError

from peerpost_protocol import limits
from peerpost_protocol.backup.preamble import decode_header
from peerpost_protocol.backup.records import BackupRecord, decode_record
from peerpost_protocol.errors import DecryptionError, MalformedError, TooLargeError
from peerpost_protocol.wire import encode

CHUNK = 65_536
_SEALED_CHUNK = CHUNK + TAG_BYTES
_LENGTH = 4  # bytes of a record's length, big-endian
_LABEL = b"peerpost backup chunk v1\x00"


class Sealer:
    """Turn records into the bulk, as they come."""

    def __init__(self, key: bytes, header: bytes) -> None:
        self._cipher = _Cipher(key, header)
        self._waiting = bytearray()
        self._size = 0

    def add(self, record: BackupRecord) -> bytes:
        """Return what can be written now; raise TooLargeError over a bound."""
        data = encode(record, limit=limits.MAX_BACKUP_RECORD)
        self._waiting += len(data).to_bytes(_LENGTH, "big") + data
        sealed = b""
        while len(self._waiting) > CHUNK:  # a full one may be the last, and has another tag then
            sealed += self._cipher.push(bytes(self._waiting[:CHUNK]), MESSAGE)
            del self._waiting[:CHUNK]
        return self._counted(sealed)

    def finish(self) -> bytes:
        """Return the last bytes."""
        return self._counted(self._cipher.push(bytes(self._waiting), FINAL))

    def _counted(self, sealed: bytes) -> bytes:
        self._size += len(sealed)
        if self._size > limits.MAX_BACKUP:
            detail = f"the backup is over the bound of {limits.MAX_BACKUP} bytes"
            raise TooLargeError("too_large", detail)
        return sealed


class Opener:
    """Turn the bulk into records, as it comes. Nothing counts before `finish` has returned."""

    def __init__(self, key: bytes, header: bytes) -> None:
        self._cipher = _Cipher(key, header)
        self._sealed = bytearray()
        self._plain = bytearray()
        self._size = 0

    def feed(self, data: bytes) -> list[BackupRecord]:
        """Take bytes; return the records that are whole. Raises DecryptionError, MalformedError."""
        self._size += len(data)
        if self._size > limits.MAX_BACKUP:
            raise MalformedError("too_large", "the backup is over its bound", field="bulk")
        self._sealed += data
        found: list[BackupRecord] = []
        while len(self._sealed) > _SEALED_CHUNK:
            self._plain += self._cipher.pull(bytes(self._sealed[:_SEALED_CHUNK]), MESSAGE)
            del self._sealed[:_SEALED_CHUNK]
            found += self._records()
        return found

    def finish(self) -> list[BackupRecord]:
        """Open the last chunk; return the last records. Raises as `feed` does, also for an end that is missing."""
        self._plain += self._cipher.pull(bytes(self._sealed), FINAL)
        found = self._records()
        if self._plain:
            raise MalformedError("malformed", "the last record is not whole", field="bulk")
        return found

    def _records(self) -> list[BackupRecord]:
        found, at = [], 0
        while len(self._plain) - at >= _LENGTH:
            begin = at + _LENGTH
            size = int.from_bytes(self._plain[at:begin], "big")
            if size > limits.MAX_BACKUP_RECORD:
                raise MalformedError("too_large", "a record is over its bound", field="record")
            if len(self._plain) < begin + size:
                break
            found.append(decode_record(bytes(self._plain[begin : begin + size])))
            at = begin + size
        del self._plain[:at]
        return found


class _Cipher:
    """Hold the stream's state, which is the same at both ends."""

    __slots__ = ("_data", "_state")

    def __init__(self, key: bytes, header: bytes) -> None:
        self._data = _LABEL + header
        self._state = crypto_secretstream_xchacha20poly1305_state()
        # `init_pull` makes the state out of a header that is given; `init_push` would draw one itself.
        crypto_secretstream_xchacha20poly1305_init_pull(
            self._state, decode_header(header).stream, key
        )

    def push(self, plain: bytes, tag: int) -> bytes:
        return crypto_secretstream_xchacha20poly1305_push(self._state, plain, self._data, tag)

    def pull(self, sealed: bytes, tag: int) -> bytes:
        try:
            plain, found = crypto_secretstream_xchacha20poly1305_pull(
                self._state, sealed, self._data
            )
        except (CryptoError, ValueError):
            raise _damaged() from None
        if found != tag:
            raise _damaged()
        return bytes(plain)


def _damaged() -> DecryptionError:
    return DecryptionError("damaged_backup", "the backup was changed, cut off or put together")
