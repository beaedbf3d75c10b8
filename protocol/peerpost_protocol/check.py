"""A check of a doctor, and how it ended; both doctors, the daemon's and the relay's, speak in these.

What is judged here is pure: whoever calls has looked at the file, the clock, the disk.
"""

import stat
from typing import Literal

from msgspec import Struct

OTHERS = 0o077


class Check(Struct, frozen=True):
    """Say what was looked at, what was found, and what to do when it is not well."""

    check: str
    result: Literal["ok", "warning", "error", "skipped"]
    detail: str
    fix: str | None = None

    @property
    def well(self) -> bool:
        """Tell whether there is nothing to do; what could not be looked at counts as well."""
        return self.result in ("ok", "skipped")


def passed(check: str, detail: str) -> Check:
    """Return a check that is well."""
    return Check(check, "ok", detail)


def skipped(check: str, why: str) -> Check:
    """Return a check that could not be made now."""
    return Check(check, "skipped", why)


def failed(
    check: str, detail: str, fix: str, *, severity: Literal["warning", "error"] = "error"
) -> Check:
    """Return a check that is not well."""
    return Check(check, severity, detail, fix)


def private(
    check: str, place: str, mode: int, owner: int, user: int, *, passable: bool = False
) -> Check:
    """Judge a place of this mode (of lstat) and owner: it must be `user`'s, and nobody else's business.

    `passable` lets others go through a directory without reading it.
    """
    if stat.S_ISLNK(mode):
        return failed(
            check, f"{place} is a link.", "Put the place itself there.", severity="warning"
        )
    if owner != user:
        return failed(check, f"{place} belongs to user {owner}.", f"chown {user} {place}")
    open_to = mode & (0o066 if passable else OTHERS)
    if open_to:
        closed = stat.S_IMODE(mode) & ~OTHERS
        return failed(check, f"{place} is open to other users.", f"chmod {closed:o} {place}")
    return passed(check, place)


def room(check: str, free_bytes: int, low_bytes: int, detail: str) -> Check:
    """Judge the bytes that are left on a disk."""
    if free_bytes < low_bytes:
        return failed(check, detail, "Free some space.", severity="warning")
    return passed(check, detail)
