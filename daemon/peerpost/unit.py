"""What systemd says of a unit, for a doctor: `systemctl show`, asked once and with a bound.

The relay and the `peerpost` command have one copy each of this file, the same to the byte, and a test compares them:
the command stands on the standard library alone.
"""

from __future__ import annotations

import os
import subprocess

BOOTED = "/run/systemd/system"  # there when PID 1 is systemd: sd_booted(3)
ASK_SECONDS = 5.0
PROPERTIES = (
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "NRestarts",
    "NeedDaemonReload",
    "Result",
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    Verdict = tuple[Literal["ok", "warning", "error", "skipped"], str, str | None]


def unit_state(unit: str, *, user: bool = False, booted: str = BOOTED) -> Verdict:
    """Return result, detail and fix of a unit, of the user's manager if `user`."""
    if not os.path.isdir(booted):  # noqa: PTH112 - nothing heavy is imported here
        return "skipped", "the service manager is not systemd", None
    control = ("systemctl", "--user") if user else ("systemctl",)
    asked = [*control, "show", unit, *(f"--property={name}" for name in PROPERTIES)]
    try:
        said = subprocess.run(  # noqa: S603 - a fixed command
            asked, check=True, capture_output=True, text=True, timeout=ASK_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return "skipped", f"{' '.join(control)} does not answer", None
    lines = (line.partition("=") for line in said.stdout.splitlines())
    return judged(unit, " ".join(control), {name: value for name, _, value in lines})


def judged(unit: str, control: str, said: Mapping[str, str]) -> Verdict:
    """Return the verdict on what `systemctl show` said."""
    log = f"journalctl {'--user ' if '--user' in control else ''}-u {unit}"
    state, restarts = said.get("ActiveState", ""), said.get("NRestarts", "0")
    if said.get("LoadState") != "loaded":
        return "warning", f"{unit} is not installed", "scripts/install writes it."
    if state == "failed":
        return "error", f"{unit} has failed ({said.get('Result', '')})", log
    if said.get("NeedDaemonReload") == "yes":
        return "warning", f"{unit} was changed since it was read", f"{control} daemon-reload"
    if state not in ("active", "activating", "reloading"):
        return "warning", f"{unit} is {state or 'unknown'}", f"{control} enable --now {unit}"
    if restarts not in ("", "0"):
        return "warning", f"{unit} was restarted {restarts} times after it failed", log
    return "ok", f"{unit} is {state}, {said.get('UnitFileState') or 'linked'} at boot", None
