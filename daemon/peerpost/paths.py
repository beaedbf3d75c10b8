"""Where the daemon's socket is."""

from __future__ import annotations

import os

SYSTEM_SOCKET = "/run/peerpost/daemon.sock"


def socket_path() -> str:
    """Return the path of the daemon's socket: the first of these that applies.

    1. `$PEERPOST_SOCKET`;
    2. `$XDG_RUNTIME_DIR/peerpost/daemon.sock`, where that directory is absolute;
    3. `/run/peerpost/daemon.sock`, for root or when it exists (a system-wide daemon);
    4. `~/.local/state/peerpost/daemon.sock`.

    Never a path below /tmp: there anybody could be first to answer and be told a passphrase.
    The daemon's settings hold the same rule.
    """
    if named := os.environ.get("PEERPOST_SOCKET"):
        return named
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/"):
        return f"{runtime.rstrip('/')}/peerpost/daemon.sock"
    if os.geteuid() == 0 or os.access(SYSTEM_SOCKET, os.F_OK):
        return SYSTEM_SOCKET
    home = os.path.expanduser("~")  # noqa: PTH111 - pathlib costs milliseconds of start-up
    return f"{home}/.local/state/peerpost/daemon.sock"


def account() -> str | None:
    """Return the account that `$PEERPOST_ACCOUNT` names, of a daemon that has several."""
    return os.environ.get("PEERPOST_ACCOUNT") or None
