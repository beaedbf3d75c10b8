"""Are files and directories private: what the doctor looks at without opening anything."""

import os
import stat
from pathlib import Path

from peerpost_daemon.health.check import Check, failed, passed
from peerpost_daemon.settings import DaemonSettings

_OTHERS = 0o077


def places(settings: DaemonSettings) -> list[Check]:
    """Return what is to be said of each place; what is not there yet is left out."""
    named = (
        ("data_directory", settings.data),
        ("key_file", settings.key_file),
        ("vault", settings.vault),
        ("socket_directory", settings.socket.parent),
        ("socket", settings.socket),
    )
    checks = (_private(check, path) for check, path in named)
    return [check for check in checks if check is not None]


def _private(check: str, path: Path) -> Check | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return failed(check, f"{path}: {error.strerror}.", "Give its owner back the right to it.")
    if stat.S_ISLNK(found.st_mode):
        return failed(
            check, f"{path} is a link.", "Put the place itself there.", severity="warning"
        )
    if found.st_uid != os.geteuid():
        return failed(
            check, f"{path} belongs to user {found.st_uid}.", f"chown {os.geteuid()} {path}"
        )
    if found.st_mode & _OTHERS and not _shared_socket(check, found.st_mode):
        mode = stat.S_IMODE(found.st_mode) & ~_OTHERS
        return failed(check, f"{path} is open to other users.", f"chmod {mode:o} {path}")
    return passed(check, str(path))


def _shared_socket(check: str, mode: int) -> bool:
    """Tell whether a directory lets others only pass, as /run/peerpost does: the socket's own mode decides."""
    return check == "socket_directory" and not mode & 0o066
