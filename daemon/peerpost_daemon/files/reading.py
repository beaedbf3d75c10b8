"""Read a stored file again: decrypted in order, in constant memory. Blocking."""

import os
from collections.abc import Iterator
from typing import Final

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.files.folder import FileFolder
from peerpost_daemon.records.files import StoredFile, expected
from peerpost_protocol.errors import DecryptionError
from peerpost_protocol.file import FileOpener

READ_BYTES: Final = 256 * 1024


class Plaintext:
    """Be a stored file as it was; read from its beginning to its end."""

    def __init__(self, folder: FileFolder, file: StoredFile) -> None:
        try:
            self._descriptor = folder.open(file.stored)
        except OSError:
            raise gone(file) from None
        self._opener = FileOpener(file.key, expected(file))
        self._ended = False
        self._waiting = bytearray()
        self.offset = 0

    def read(self, length: int) -> bytes:
        """Return the next bytes, fewer only at the end; raise DaemonError file_unavailable."""
        while len(self._waiting) < length and not self._ended:
            self._waiting += self._more()
        data = bytes(self._waiting[:length])
        del self._waiting[:length]
        self.offset += len(data)
        return data

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _more(self) -> bytes:
        try:
            sealed = os.read(self._descriptor, READ_BYTES)
            if sealed:
                return self._opener.feed(sealed)
            self._ended = True
            return self._opener.finish()
        except (DecryptionError, OSError):
            message = "The stored copy of the file is damaged."
            raise DaemonError("file_unavailable", message, extra={"reason": "damaged"}) from None


def pieces(folder: FileFolder, file: StoredFile) -> Iterator[bytes]:
    """Return the plaintext piece by piece; raise DaemonError file_unavailable."""
    plaintext = Plaintext(folder, file)
    try:
        while data := plaintext.read(READ_BYTES):
            yield data
    finally:
        plaintext.close()


def gone(file: StoredFile) -> DaemonError:
    """Return the error of a file whose bytes are not here."""
    extra = {"state": file.state.value, "reason": file.reason}
    return DaemonError("file_unavailable", "The file is not here.", field="file", extra=extra)
