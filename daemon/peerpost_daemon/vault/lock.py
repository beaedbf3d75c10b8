"""One process a vault: a lock on a file beside the database, which names its holder."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from peerpost_daemon.errors import DaemonError

MAX_PID_DIGITS = 20


class ProcessLock:
    """Hold a vault against other daemons until `release`; the kernel lets go when we die."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, path: Path) -> ProcessLock:
        """Lock `path`, creating it.

        Raises DaemonError storage_failed, with the holder's pid, when somebody else has it.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            _claim(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor)

    def release(self) -> None:
        """Let go. The file stays: removing it would race with the next holder."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _claim(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = os.pread(descriptor, MAX_PID_DIGITS, 0).decode("ascii", "replace").strip()
        raise DaemonError(
            "storage_failed",
            f"the vault is already open by pid {pid or 'unknown'}: one daemon a vault",
        ) from error
    # The number is a courtesy: a vault on a full disk can still be opened.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
