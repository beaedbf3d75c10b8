"""Users and groups: names to numbers when the daemon starts or is reloaded, and the numbers that stand for nobody.

A name that is not there is an error: a table that silently gives nothing would be found when it is needed. A user who
is removed while the daemon runs leaves what the number had until then; see docs/threat-model.md.
"""

import grp
import pwd
from pathlib import Path
from typing import Final

from peerpost_daemon.access.settings import AccessSettings, wrong

OVERFLOW: Final = 65_534
_OVERFLOW_UID: Final = Path("/proc/sys/kernel/overflowuid")
_OVERFLOW_GID: Final = Path("/proc/sys/kernel/overflowgid")


def user_of(table: AccessSettings) -> int | None:
    """Return the user that a table means, None for a table of a group. Raises DaemonError invalid_params."""
    if table.user is None:
        found = table.uid
    else:
        try:
            found = pwd.getpwnam(table.user).pw_uid
        except KeyError:
            raise wrong(table, "there is no such user") from None
    if found is not None and found == nobody():
        raise wrong(
            table, "the kernel shows users of other namespaces so; it is nobody in particular"
        )
    return found


def group_of(table: AccessSettings) -> int | None:
    """Return the group that a table means, None for a table of a user. Raises DaemonError invalid_params."""
    if table.group is None:
        found = table.gid
    else:
        found = group_called(table.group)
        if found is None:
            raise wrong(table, "there is no such group")
    if found is not None and found == no_group():
        raise wrong(
            table, "the kernel shows groups of other namespaces so; it is none in particular"
        )
    return found


def group_called(name: str) -> int | None:
    """Return the number of a group, None when there is none of that name."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def nobody() -> int:
    """Return the number by which the kernel shows a user that has none in our namespace."""
    return _number(_OVERFLOW_UID)


def no_group() -> int:
    """Return the number by which the kernel shows a group that has none in our namespace."""
    return _number(_OVERFLOW_GID)


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return OVERFLOW
