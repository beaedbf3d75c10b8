"""Blobs as files: one folder, names of the relay's own choosing, 0600. Blocking; run in a thread.

    NAME.part   an upload; its first bytes are what came, in order
    NAME        a blob: complete, its SHA-256 checked, fsynced before it got this name

Nothing from the wire is ever part of a path: a name is 32 hexadecimal digits that the relay drew.
"""

import os
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from peerpost_relay.durable import sync

NAME = re.compile(r"[0-9a-f]{32}\Z")
PART = ".part"
REHASH_BYTES = 1024 * 1024

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Part:
    """Be an open upload: the bytes that are there, and their hash so far."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path
        self._hash = sha256()
        self.size = 0

    def rehash(self, most: int) -> None:
        """Read what an earlier run has left; more than `most` bytes are no beginning of this blob."""
        if os.fstat(self._descriptor).st_size > most:
            os.ftruncate(self._descriptor, 0)
        while data := os.pread(self._descriptor, REHASH_BYTES, self.size):
            self._hash.update(data)
            self.size += len(data)

    def append(self, data: bytes) -> None:
        """Write what follows. After an OSError what is there is what `size` says."""
        view = memoryview(data)
        while view:
            written = os.pwrite(self._descriptor, view, self.size + len(data) - len(view))
            view = view[written:]
        self._hash.update(data)
        self.size += len(data)

    def is_(self, id_: bytes) -> bool:
        """Tell whether the bytes are those that the id names."""
        return self._hash.digest() == id_

    def complete(self) -> None:
        """Make the bytes durable under their final name."""
        os.fsync(self._descriptor)
        os.rename(self._path, self._path.with_suffix(""))  # noqa: PTH104  beside its neighbours
        sync(self._path.parent)

    def close(self) -> None:
        """Let go of the file; it stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class BlobFolder:
    """Be the folder; made 0700 when it is missing."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        self._path = path

    def part(self, name: str, size: int) -> Part:
        """Open an upload of `size` bytes, as far as it had come."""
        path = self._file(name).with_suffix(PART)
        whole = self._file(name)
        if whole.exists():  # it was complete, and the relay ended before it could say so
            whole.rename(path)
        part = Part(os.open(path, _WRITE, 0o600), path)
        try:
            part.rehash(size)
        except BaseException:
            part.close()
            raise
        return part

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Return bytes of a blob; raise FileNotFoundError."""
        descriptor = os.open(self._file(name), _READ)
        try:
            return os.pread(descriptor, length, offset)
        finally:
            os.close(descriptor)

    def remove(self, name: str) -> None:
        """Remove a blob or upload; without effect when it is not there."""
        for path in (self._file(name), self._file(name).with_suffix(PART)):
            path.unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """Return the name of everything in the folder that is a blob or an upload."""
        for entry in os.scandir(self._path):
            name = entry.name.removesuffix(PART)
            if NAME.match(name) and not entry.is_dir(follow_symlinks=False):
                yield name

    def holds(self, name: str) -> bool:
        """Tell whether a complete blob is there."""
        return self._file(name).is_file()

    def free_bytes(self) -> int:
        """Return how much the disk has left for us."""
        found = os.statvfs(self._path)
        return found.f_bavail * found.f_frsize

    def _file(self, name: str) -> Path:
        assert NAME.match(name), "a blob's name is the relay's own"
        return self._path / name
