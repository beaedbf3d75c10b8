"""A check of the doctor, and how it ended."""

from typing import Literal

from msgspec import Struct


class Check(Struct, frozen=True):
    """Say what was looked at, what was found, and what to do when it is not well."""

    check: str
    result: Literal["ok", "warning", "error", "skipped"]
    detail: str
    fix: str | None = None


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
