"""What our units take from a process, done to it without systemd: its allowed calls, its capabilities, its mounts.

As a program: `python confinement.py FAMILIES CALL,CALL,… COMMAND …` gives up what SystemCallFilter,
RestrictAddressFamilies and MemoryDenyWriteExecute take away, then runs the command.
"""

import ctypes
import errno
import mmap
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

LIBSECCOMP = "libseccomp.so.2"
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM  # SCMP_ACT_ALLOW, SCMP_ACT_ERRNO
EQUAL, MASKED = 4, 7  # SCMP_CMP_EQ, SCMP_CMP_MASKED_EQ: argument & a == b


class Comparison(ctypes.Structure):
    """Be libseccomp's scmp_arg_cmp."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


def directives(unit: Path) -> list[tuple[str, str]]:
    """Return a unit's assignments in their order."""
    lines = (line.partition("=") for line in unit.read_text().splitlines() if line[:1].isalpha())
    return [(name, value) for name, _, value in lines]


def allowed_calls(unit: Path) -> set[str]:
    """Return the system calls that the unit's filters leave."""
    allowed: set[str] = set()
    for name, value in directives(unit):
        if name == "SystemCallFilter":
            calls = {call for group in value.removeprefix("~").split() for call in _calls(group)}
            allowed = allowed - calls if value.startswith("~") else allowed | calls
    return allowed | set(_calls("@default"))


def _calls(group: str) -> Iterator[str]:
    if not group.startswith("@"):
        yield group
        return
    shown = subprocess.run(
        ["systemd-analyze", "--no-pager", "syscall-filter", group],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    for line in shown.stdout.splitlines()[1:]:
        if (call := line.strip()) and not call.startswith("#"):
            yield from _calls(call)


def confined(unit: Path, writable: Sequence[Path]) -> list[str | Path]:
    """Return the command line to put before a command, which then runs as the unit would run it. Needs root."""
    mounts = "; ".join(f"mount --bind {p} {p}" for p in (shlex.quote(str(p)) for p in writable))
    shell = f'set -e; mount --make-rprivate /; {mounts}; mount -o remount,bind,ro /; exec "$@"'
    families = dict(directives(unit))["RestrictAddressFamilies"].split()
    return [
        "/usr/bin/unshare", "--mount", "--ipc", "sh", "-c", shell, "sh",
        "setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs",
        sys.executable, __file__, ",".join(families), ",".join(sorted(allowed_calls(unit))),
    ]  # fmt: skip


def give_up(families: list[str], calls: list[str]) -> None:
    """Allow this process these calls alone, for good; sockets of these families; no writable code."""
    seccomp = ctypes.CDLL(LIBSECCOMP)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(REFUSE))
    conditions = _conditions(families)
    for call in calls:
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        for condition in conditions.get(call, [()]) if number >= 0 else []:
            compared = [Comparison(*condition)] if condition else []
            array = (Comparison * len(compared))(*compared)
            seccomp.seccomp_rule_add_array(context, ALLOW, number, len(compared), array)
    if seccomp.seccomp_load(context) != 0:
        raise OSError("the filter was not loaded")


def _conditions(families: list[str]) -> dict[str, list[tuple[int, ...]]]:
    """Return, for calls that are not always allowed, what arguments they are allowed with."""
    no_write, no_exec = (2, MASKED, mmap.PROT_WRITE, 0), (2, MASKED, mmap.PROT_EXEC, 0)
    return {
        "socket": [(0, EQUAL, int(getattr(socket, family)), 0) for family in families],
        "mmap": [no_write, no_exec],
        "mprotect": [no_exec],
        "pkey_mprotect": [no_exec],
    }


if __name__ == "__main__":
    give_up(sys.argv[1].split(","), sys.argv[2].split(","))
    os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606
