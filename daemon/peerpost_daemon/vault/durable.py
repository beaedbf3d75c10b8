"""A small private file that is there whole, or not at all, whatever happens meanwhile.

Written to a neighbour, fsynced, moved into place in one step, and the directory fsynced: without
the last the name itself may be lost with the power.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault.faults import disk_fault

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create(path: Path, data: bytes) -> None:
    """Write `data` to `path`, 0600, in a directory made 0700; never over another file.

    Raises DaemonError: vault_exists, storage_full, storage_failed.
    """
    with _faults(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_open_directory(path.parent)
        # A link, unlike a rename, refuses to replace: two creators cannot both win.
        _place(path, data, os.link)


def replace(path: Path, data: bytes) -> None:
    """Put `data` in place of the file at `path`. Raises DaemonError as `create` does."""
    with _faults(path):
        # What a process killed in the middle left behind is an old seal of the same key.
        for leftover in path.parent.glob(f".{path.name}.*.new"):
            leftover.unlink(missing_ok=True)
        _place(path, data, os.replace)


def read(path: Path, limit: int) -> bytes:
    """Return the file's content, or its first `limit` + 1 bytes.

    Raises DaemonError: no_vault, or storage_failed, also when others may read the file.
    """
    with _faults(path):
        # O_NONBLOCK: a pipe in the file's place must not hold us up.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            _refuse_open_file(path, os.fstat(descriptor).st_mode)
            return file.read(limit + 1)


def already_there(path: Path) -> DaemonError:
    """Return the error of a vault that would be created over another."""
    return DaemonError("vault_exists", f"there is a vault at {path} already")


def _place(path: Path, data: bytes, move: Callable[[str, Path], None]) -> None:
    # mkstemp makes the file 0600.
    descriptor, name = tempfile.mkstemp(".new", f".{path.name}.", path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        move(name, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)  # noqa: PTH108 - mkstemp gives a string
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Return once the names in a directory are durable. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_open_directory(directory: Path) -> None:
    if directory.stat().st_mode & OTHERS:
        raise DaemonError(
            "storage_failed", f"others may enter {directory}: chmod 700 it and try again"
        )


def _refuse_open_file(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise DaemonError("storage_failed", f"{path} is not a regular file")
    if mode & OTHERS:
        raise DaemonError("storage_failed", f"others may read {path}: chmod 600 it and try again")


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise already_there(path) from error
    except FileNotFoundError as error:
        raise DaemonError("no_vault", f"there is no vault at {path}") from error
    except OSError as error:
        raise disk_fault(f"the vault's key file {path}", error) from error
