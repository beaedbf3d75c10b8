"""Where the socket lies, and who may make it.

1. The directory is ours and closed to others: nobody else can put anything in the socket's place.
2. A lock beside the socket is held as long as we serve: of two daemons that start, one goes on.
3. What lies at the path is a socket of ours, or nothing. A link or a file is never removed.
4. Nobody answers on it: only a stale socket is replaced.
5. The new socket is born 0600, with no moment in between; a group is let in afterwards, others never.
"""

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from peerpost_daemon.errors import DaemonStartError

_STALE: Final = (errno.ECONNREFUSED, errno.ENOENT)


class Opening(NamedTuple):
    """Be who may open the socket beside its own user: the members of a group, or nobody."""

    group: int | None = None


PRIVATE: Final = Opening()


class Place:
    """Hold the socket's path while the daemon serves."""

    def __init__(self, path: Path, opening: Callable[[], Opening] = lambda: PRIVATE) -> None:
        self.path = path
        self._opening = opening
        self._lock: int | None = None
        self._inode: tuple[int, int] | None = None

    def take(self, backlog: int) -> socket.socket:
        """Return the listening socket. Raises DaemonStartError, and what `opening` raises."""
        group = self._opening().group
        try:
            _check_directory(self.path.parent, group)
            self._lock = _lock(self.path)
            _remove_stale(self.path)
            return self._listen(backlog, group)
        except (OSError, ValueError) as error:  # a path may hold what no path may
            self.leave()
            reason = getattr(error, "strerror", None) or str(error)
            message = f"Cannot listen on {self.path}: {reason}."
            raise DaemonStartError("socket_failed", message) from error
        except DaemonStartError:
            self.leave()
            raise

    def leave(self) -> None:
        """Remove our socket, if it is still ours that lies there, and let the lock go."""
        if self._inode is not None and _inode(self.path) == self._inode:
            self.path.unlink(missing_ok=True)
        self._inode = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _listen(self, backlog: int, group: int | None) -> socket.socket:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            os.fchmod(listening.fileno(), 0o600)  # the file takes the socket's mode (check 5)
            listening.bind(str(self.path))
            self._inode = _inode(self.path)
            if group is not None:
                os.chown(self.path, -1, group, follow_symlinks=False)
                self.path.chmod(0o660)
            listening.listen(backlog)
            listening.setblocking(False)  # noqa: FBT003 - the standard library's signature
        except OSError:
            listening.close()
            raise
        return listening


def place_of(passed: socket.socket) -> Path:
    """Return where a socket lies that the service manager made for us; the checks above were its to make.

    Raises DaemonStartError unless it is a Unix socket at a path and closed to others. To let a group in is for
    whoever wrote the unit to decide.
    """
    name = passed.getsockname() if passed.family == socket.AF_UNIX else None
    if not isinstance(name, str) or not name.startswith("/"):
        raise DaemonStartError("socket_failed", "The passed socket is no Unix socket at a path.")
    try:
        mode = stat.S_IMODE(Path(name).lstat().st_mode)
    except OSError as error:
        message = f"The passed socket {name} cannot be looked at: {error.strerror}."
        raise DaemonStartError("socket_failed", message) from None
    if mode & stat.S_IRWXO:
        message = f"{name} is open to others (mode {mode:o}); set SocketMode=0600."
        raise DaemonStartError("unsafe_directory", message)
    return Path(name)


def _check_directory(directory: Path, group: int | None) -> None:
    """Make the directory if there is none (check 1). A group that is let in may pass through it, and no more."""
    if not directory.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if group is not None:
            os.chown(directory, -1, group)
            directory.chmod(0o710)
    found = directory.stat()
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid != os.geteuid():
        message = f"{directory} belongs to another user; choose a directory of your own."
        raise DaemonStartError("unsafe_directory", message)
    if mode & (0o077 if group is None else 0o067):
        message = f"{directory} is open to others (mode {mode:o}); make it 700."
        raise DaemonStartError("unsafe_directory", message)
    if group is not None and (found.st_gid != group or not mode & stat.S_IXGRP):
        message = f"{directory} is closed to the group {group}: chgrp {group} and chmod 710 it."
        raise DaemonStartError("unsafe_directory", message)


def _lock(path: Path) -> int:
    """Take the lock (check 2); the kernel lets it go when we die."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(f"{path}.lock", flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise _in_use(path) from None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_stale(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():  # check 3
        message = f"{path} is not a socket of ours; move it away or choose another path."
        raise DaemonStartError("not_a_socket", message)
    if _answers(path):  # check 4
        raise _in_use(path)
    path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    """Tell whether somebody listens; a full queue (EAGAIN) is somebody."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        return probe.connect_ex(str(path)) not in _STALE


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _in_use(path: Path) -> DaemonStartError:
    return DaemonStartError("socket_in_use", f"Another daemon already serves {path}.")
