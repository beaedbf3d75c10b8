"""`peerpost doctor`: look at everything thoroughly, here and in the daemon, and tell what to do.

What can be seen without a daemon is looked at here: where its socket should be, whether it answers, and what systemd
says of its unit.
"""

from __future__ import annotations

import os
import stat

from peerpost.errors import NoDaemonError
from peerpost.listing import check_lines, finding_lines
from peerpost.paths import socket_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen
    from peerpost.types import Check, Diagnosis

SICK = 1
WELL = ("ok", "skipped")
SYSTEM_PLACE = "/run/peerpost/"
UNIT = "peerpostd.service"


def arguments(parser: Parser) -> None:
    """Declare nothing."""
    parser.epilog = "exit codes: 0 well, 1 something is not, 3 no daemon"


def run(client: Client, options: Namespace, screen: Screen) -> int:
    """Print every check; say by the exit code whether all is well."""
    path = options.socket or socket_path()
    checks = [socket_check(path), unit_check(path)]
    try:
        found = client.doctor()
    except NoDaemonError as error:
        checks.append(_answers(str(error)))
        _show(screen, {"well": False, "checks": checks, "findings": []})
        return error.exit_code
    found = {
        "well": found["well"] and all(check["result"] in WELL for check in checks),
        "checks": checks + found["checks"],
        "findings": found["findings"],
    }
    _show(screen, found)
    return 0 if found["well"] else SICK


def socket_check(path: str) -> Check:
    """Return what can be seen of the socket from outside."""
    try:
        mode = os.lstat(path).st_mode
    except OSError as error:
        detail = f"{path}: {error.strerror}"
        return _failed(detail, "Start peerpostd, or name its socket by PEERPOST_SOCKET.")
    if not stat.S_ISSOCK(mode):
        return _failed(f"{path} is no socket", "Remove it and start peerpostd again.")
    return {"check": "client_socket", "result": "ok", "detail": path, "fix": None}


def unit_check(path: str) -> Check:
    """Return what systemd says of the unit whose socket that is."""
    from peerpost.unit import unit_state  # noqa: PLC0415 - few ask

    result, detail, fix = unit_state(UNIT, user=not path.startswith(SYSTEM_PLACE))
    return {"check": "unit", "result": result, "detail": detail, "fix": fix}


def _failed(detail: str, fix: str) -> Check:
    return {"check": "client_socket", "result": "error", "detail": detail, "fix": fix}


def _answers(why: str) -> Check:
    fix = "Start peerpostd; its log says why it stopped."
    return {"check": "daemon", "result": "error", "detail": why, "fix": fix}


def _show(screen: Screen, found: Diagnosis) -> None:
    lines = [line for check in found["checks"] for line in check_lines(check)]
    lines += [line for finding in found["findings"] for line in finding_lines(finding)]
    screen.show(found, *lines)
