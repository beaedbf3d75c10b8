"""Files: from plaintext to an encrypted blob and back, piece by piece, in constant memory (docs/protocol/file.md).

    blob = header (24) || chunk || chunk || ... || last chunk
    chunk = secretstream push of CHUNK bytes of plaintext, tag MESSAGE; the last one of 0 to CHUNK bytes, tag FINAL

The construction is libsodium's `crypto_secretstream_xchacha20poly1305`: each chunk is bound to the ones before it, and
the final tag to the end, so that nothing can be cut, repeated, exchanged or appended. A key opens one blob only.
"""

from hashlib import sha256

from msgspec import Struct
from nacl import bindings
from nacl.exceptions import CryptoError

from peerpost_protocol.errors import DecryptionError

CHUNK = 64 * 1024
"""Plaintext bytes of every chunk but the last."""
KEY_BYTES = bindings.crypto_secretstream_xchacha20poly1305_KEYBYTES
HEADER_BYTES = bindings.crypto_secretstream_xchacha20poly1305_HEADERBYTES
CHUNK_OVERHEAD = bindings.crypto_secretstream_xchacha20poly1305_ABYTES
_SEALED_CHUNK = CHUNK + CHUNK_OVERHEAD
_MESSAGE = bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_FINAL = bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL
_LABEL = b"peerpost file v1"


class SealedFile(Struct, frozen=True):
    """Say what was sealed: the blob's id and bytes, the plaintext's SHA-256 and bytes."""

    blob: bytes
    blob_size: int
    sha256: bytes
    size: int


def blob_size(size: int) -> int:
    """Return the bytes of the blob of a file of `size` bytes."""
    chunks = max(1, -(-size // CHUNK))
    return HEADER_BYTES + size + chunks * CHUNK_OVERHEAD


class FileSealer:
    """Seal one file. `key` (32) and `header` (24) are fresh random bytes, used for nothing else."""

    def __init__(self, key: bytes, header: bytes) -> None:
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        # Both directions of the construction begin with the same state; with `init_pull` the header is the caller's.
        bindings.crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, key)
        self._header = header
        self._begun = False
        self._waiting = bytearray()
        self._plain, self._sealed = sha256(), sha256()
        self.size = 0
        self._sealed_size = 0

    def feed(self, data: bytes) -> bytes:
        """Take plaintext; return the bytes of the blob that are certain now."""
        self._plain.update(data)
        self.size += len(data)
        self._waiting += data
        out = bytearray(self._head())
        # One chunk's worth stays: only at the end is it known whether it is the last one.
        while len(self._waiting) > CHUNK:
            out += self._push(bytes(self._waiting[:CHUNK]), _MESSAGE)
            del self._waiting[:CHUNK]
        return self._counted(bytes(out))

    def finish(self) -> tuple[bytes, SealedFile]:
        """Return the rest of the blob, and what was sealed."""
        rest = self._counted(self._head() + self._push(bytes(self._waiting), _FINAL))
        self._waiting.clear()
        sealed = SealedFile(
            self._sealed.digest(), self._sealed_size, self._plain.digest(), self.size
        )
        return rest, sealed

    def _head(self) -> bytes:
        head, self._begun = (b"" if self._begun else self._header), True
        return head

    def _push(self, plain: bytes, tag: int) -> bytes:
        return bindings.crypto_secretstream_xchacha20poly1305_push(self._state, plain, _LABEL, tag)

    def _counted(self, out: bytes) -> bytes:
        self._sealed.update(out)
        self._sealed_size += len(out)
        return out


class FileOpener:
    """Open one blob; what `feed` returns is only to be believed once `finish` has returned."""

    def __init__(self, key: bytes, expected: SealedFile) -> None:
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        self._key = key
        self._expected = expected
        self._waiting = bytearray()
        self._begun = self._ended = False
        self._plain, self._sealed = sha256(), sha256()
        self._size = self._sealed_size = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the blob; return the plaintext of the chunks that are whole.

        Raise DecryptionError: file_size for more bytes than the blob has, file_tag for a chunk that does not open.
        """
        self._sealed.update(data)
        self._sealed_size += len(data)
        if self._sealed_size > self._expected.blob_size:
            raise DecryptionError("file_size", "the blob is longer than it should be")
        self._waiting += data
        self._begin()
        out = bytearray()
        while self._begun and len(self._waiting) >= _SEALED_CHUNK:
            out += self._pull(_SEALED_CHUNK)
        return bytes(out)

    def finish(self) -> bytes:
        """Return the plaintext of the last chunk, when everything fits.

        Raise DecryptionError: file_size, file_hash (of the blob), file_tag, file_sha256 (of the plaintext).
        """
        if self._sealed_size != self._expected.blob_size:
            raise DecryptionError("file_size", "the blob is shorter than it should be")
        if self._sealed.digest() != self._expected.blob:
            raise DecryptionError("file_hash", "the blob is another one than its id says")
        last = self._pull(len(self._waiting)) if self._waiting else b""
        if not self._ended or self._size != self._expected.size:
            raise DecryptionError("file_tag", "the blob does not end where it should")
        if self._plain.digest() != self._expected.sha256:
            raise DecryptionError("file_sha256", "the file is another one than its message says")
        return last

    def _begin(self) -> None:
        if not self._begun and len(self._waiting) >= HEADER_BYTES:
            header = bytes(self._waiting[:HEADER_BYTES])
            del self._waiting[:HEADER_BYTES]
            bindings.crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, self._key)
            self._begun = True

    def _pull(self, size: int) -> bytes:
        chunk = bytes(self._waiting[:size])
        del self._waiting[:size]
        if self._ended or not self._begun or size < CHUNK_OVERHEAD:
            raise DecryptionError(
                "file_tag", "there is more behind the last chunk, or less than one"
            )
        try:
            plain, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(
                self._state, chunk, _LABEL
            )
        except (CryptoError, RuntimeError):
            raise DecryptionError("file_tag", "a chunk does not open") from None
        if tag not in (_MESSAGE, _FINAL) or (tag == _MESSAGE and len(plain) != CHUNK):
            raise DecryptionError("file_tag", "a chunk has a tag that has no place there")
        self._ended = tag == _FINAL
        self._plain.update(plain)
        self._size += len(plain)
        return bytes(plain)
