"""Drafts: files that are about to be sent, copied and encrypted first of all.

Once a draft is finished nothing depends on the caller's file any more: it may be changed or deleted. The copy is the
blob itself, so what is uploaded later, or again after a break, is the same to the byte.
"""

import os
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.files import preview
from peerpost_daemon.files.folder import NAME_BYTES, FileFolder
from peerpost_daemon.files.media_types import HEAD_BYTES, media_type_of
from peerpost_daemon.files.names import safe_name
from peerpost_daemon.vault.faults import disk_fault
from peerpost_protocol.content import File
from peerpost_protocol.file import HEADER_BYTES, KEY_BYTES, FileSealer, SealedFile

READ_BYTES: Final = 256 * 1024


class Finished(Struct, frozen=True):
    """Be a draft that is durable: what its message will say of it, and where the copy is."""

    file: File
    stored: str
    blob_size: int


class Draft:
    """Be one file being copied. Blocking; `random_bytes` is a cryptographic source."""

    def __init__(
        self,
        folder: FileFolder,
        name: str,
        media_type: str | None,
        *,
        max_bytes: int,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self.name = safe_name(name)
        self.stored = random_bytes(NAME_BYTES).hex()
        self._media_type = media_type
        self._max_bytes = max_bytes
        self._key = random_bytes(KEY_BYTES)
        self._sealer = FileSealer(self._key, random_bytes(HEADER_BYTES))
        self._head = b""
        self._picture: bytearray | None = bytearray()
        self._folder = folder
        folder.drafts.add(self.stored)
        self._part = folder.part(self.stored)
        self._done: Finished | None = None

    @property
    def size(self) -> int:
        """Return the bytes taken so far."""
        return self._sealer.size

    def write(self, data: bytes) -> None:
        """Take what follows; raise DaemonError too_large, storage_full, storage_failed."""
        if self._done is not None:
            raise DaemonError("invalid_params", "The draft is finished.", field="draft")
        if self.size + len(data) > self._max_bytes:
            message = f"A file has at most {self._max_bytes} bytes."
            raise DaemonError("too_large", message, field="files")
        self._head = (self._head + data[:HEAD_BYTES])[:HEAD_BYTES]
        self._keep_for_a_preview(data)
        self._append(self._sealer.feed(data))

    def finish(self) -> Finished:
        """Make the copy durable; the same again when it is finished."""
        if self._done is None:
            rest, sealed = self._sealer.finish()
            self._append(rest)
            try:
                self._part.complete()
            except OSError as error:
                raise disk_fault("the store of files", error) from error
            self._done = self._finished(sealed)
        return self._done

    def discard(self) -> None:
        """Remove the copy."""
        self._part.close()
        self._folder.remove(self.stored)
        self._folder.drafts.discard(self.stored)

    def belongs(self) -> None:
        """Note that a message has the copy now."""
        self._folder.drafts.discard(self.stored)

    def _append(self, data: bytes) -> None:
        try:
            self._part.append(data)
        except OSError as error:
            raise disk_fault("the store of files", error) from error

    def _keep_for_a_preview(self, data: bytes) -> None:
        if self._picture is not None:
            self._picture += data
            if len(self._picture) > preview.MAX_SOURCE_BYTES or not preview.possible(self._head):
                self._picture = None

    def _finished(self, sealed: SealedFile) -> Finished:
        media_type = self._media_type or media_type_of(self.name, self._head)
        small = preview.of(bytes(self._picture)) if self._picture else None
        self._picture = None
        file = File(
            sealed.blob, self._key, sealed.size, sealed.sha256, self.name, media_type, small
        )
        return Finished(file, self.stored, sealed.blob_size)


def copy(descriptor: int, draft: Draft) -> None:
    """Copy all of an open file into a draft, in constant memory; raise DaemonError."""
    while True:
        try:
            data = os.read(descriptor, READ_BYTES)
        except OSError as error:
            message = f"The file cannot be read: {error.strerror}."
            raise DaemonError("file_unreadable", message, field="files") from None
        if not data:
            return
        draft.write(data)
