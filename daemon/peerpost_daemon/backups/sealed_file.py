"""A backup as a file: written beside its place and moved there whole, 0600; read in pieces.

Attacker: whoever makes the daemon write over a file that is none of his. Only a backup is replaced, never anything
else; a link is not followed.
"""

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault.durable import sync_directory
from peerpost_daemon.vault.faults import disk_fault
from peerpost_protocol.backup.preamble import MAGIC

PIECE = 256 * 1024
Write = Callable[[bytes], object]


@contextmanager
def writing(path: Path) -> Iterator[Write]:
    """Let a backup be written; it is at `path` once the block has ended well, and durable.

    Raises DaemonError invalid_params, storage_full, storage_failed.
    """
    _refuse_foreign(path)
    with _faults(path):
        descriptor, name = tempfile.mkstemp(".new", f".{path.name}.", path.parent)  # 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file.write
                file.flush()
                os.fsync(file.fileno())
            _refuse_foreign(path)
            os.replace(name, path)  # noqa: PTH105 - mkstemp gives a string
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)  # noqa: PTH108
        sync_directory(path.parent)


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """Open a backup to be read. Raises DaemonError invalid_params, storage_failed."""
    with _faults(path):
        # O_NONBLOCK: a pipe in the file's place must not hold us up.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _invalid(f"{path} is not a regular file.")
            yield file


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """Return the rest of a file in pieces."""
    while piece := file.read(PIECE):
        yield piece


def _refuse_foreign(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _invalid(f"{path} cannot be replaced: {error.strerror}.") from None
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        if not regular or os.read(descriptor, len(MAGIC)) != MAGIC:
            raise _invalid(f"{path} is there and is no backup: name another file.")
    finally:
        os.close(descriptor)


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise _invalid(f"{path} is not there, or its folder is not.") from None
    except PermissionError:
        raise _invalid(f"The daemon may not use {path}.") from None
    except OSError as error:
        raise disk_fault(f"the backup {path}", error) from error


def _invalid(sentence: str) -> DaemonError:
    return DaemonError("invalid_params", sentence, field="file")
