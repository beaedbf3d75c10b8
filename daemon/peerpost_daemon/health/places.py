"""Are files and directories private: what the doctor looks at without opening anything."""

import os
import stat
from pathlib import Path

from peerpost_daemon.settings import DaemonSettings
from peerpost_protocol.check import Check, failed, private


def places(settings: DaemonSettings) -> list[Check]:
    """Return what is to be said of each place; what is not there yet is left out."""
    named = (
        ("data_directory", settings.data),
        ("key_file", settings.key_file),
        ("vault", settings.vault),
        ("socket_directory", settings.socket.parent),
        ("socket", settings.socket),
    )
    shared = settings.socket_group is not None or bool(settings.access)
    checks = (_private(check, path, shared=shared) for check, path in named)
    return [check for check in checks if check is not None]


def _private(check: str, path: Path, *, shared: bool) -> Check | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return failed(check, f"{path}: {error.strerror}.", "Give its owner back the right to it.")
    # Others may pass a directory such as /run/peerpost: the socket's own mode decides.
    passable = check == "socket_directory"
    mode = found.st_mode
    if shared and check == "socket":
        mode &= ~stat.S_IRWXG  # a group is let in, as the configuration says
    return private(check, str(path), mode, found.st_uid, os.geteuid(), passable=passable)
