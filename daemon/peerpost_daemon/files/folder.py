"""The daemon's store of files: blobs as they travel, so encrypted, each under a random name. Blocking.

    NAME.part   being written: a copy of what is sent, or what has been fetched so far
    NAME        whole and checked, fsynced before it got this name

Keys stand in the vault alone; a file here is noise without it. Nothing that anybody else chose is part of a path.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault.durable import sync_directory
from peerpost_daemon.vault.faults import disk_fault

NAME_BYTES: Final = 16
NAME: Final = re.compile(r"[0-9a-f]{32}\Z")
PART: Final = ".part"
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Part:
    """Be a file that is being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, _WRITE, 0o600)
        self.size = os.fstat(self._descriptor).st_size

    def append(self, data: bytes) -> None:
        """Write what follows."""
        view = memoryview(data)
        while view:
            view = view[os.pwrite(self._descriptor, view, self.size + len(data) - len(view)) :]
        self.size += len(data)

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes that are there already."""
        return os.pread(self._descriptor, length, offset)

    def complete(self) -> None:
        """Make it durable under its final name."""
        os.fsync(self._descriptor)
        os.rename(self._path, self._path.with_suffix(""))  # noqa: PTH104  beside its neighbours
        self.close()
        sync_directory(self._path.parent)

    def close(self) -> None:
        """Let go of it; it stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class FileFolder:
    """Be the folder; made 0700 when something is first written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.drafts: set[str] = set()  # names of copies that no message has yet

    def part(self, name: str) -> Part:
        """Open a file to write, where an earlier run left it; raise DaemonError."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
            return Part(self._file(name).with_suffix(PART))
        except OSError as error:
            raise disk_fault(f"the store of files at {self.path}", error) from error

    def open(self, name: str) -> int:
        """Return a descriptor of a whole file; raise FileNotFoundError."""
        return os.open(self._file(name), _READ)

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Return bytes of a whole file; raise FileNotFoundError."""
        descriptor = self.open(name)
        try:
            return os.pread(descriptor, length, offset)
        finally:
            os.close(descriptor)

    def remove(self, name: str) -> None:
        """Remove a file, whole or not; without effect when it is not there."""
        for path in (self._file(name), self._file(name).with_suffix(PART)):
            path.unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """Return the names of all files, whole or not."""
        if self.path.is_dir():
            for entry in os.scandir(self.path):
                name = entry.name.removesuffix(PART)
                if NAME.match(name) and not entry.is_dir(follow_symlinks=False):
                    yield name

    def _file(self, name: str) -> Path:
        if not NAME.match(name):
            raise DaemonError("internal_error", "A stored file has a name that is none of ours.")
        return self.path / name
