"""From the configuration in force and one that was read anew to the one that is in force from now on.

A setting that its declaration calls `Live` takes effect; every other waits for the next start, and is named.
"""

from functools import reduce
from typing import Any, Generic, TypeVar

from msgspec import Struct, structs

from peerpost_protocol.configuration.reading import changed
from peerpost_protocol.configuration.setting import settings_of

T = TypeVar("T", bound=Struct)


class Renewed(Struct, Generic[T], frozen=True):
    """Be what is in force now, which settings were taken into it, and which wait for the next start."""

    now: T
    taken: tuple[str, ...]
    waiting: tuple[str, ...]

    def __str__(self) -> str:
        taken = f"taken: {', '.join(self.taken)}" if self.taken else "no setting has changed"
        later = f"; at the next start only: {', '.join(self.waiting)}" if self.waiting else ""
        return taken + later


def renewed(before: T, after: T) -> Renewed[T]:
    """Return what follows when `after` was read while `before` is in force."""
    live = {setting.path for setting in settings_of(type(before)) if setting.live}
    differing = changed(before, after)
    taken = tuple(path for path in differing if path in live)
    waiting = tuple(path for path in differing if path not in live)
    now = reduce(lambda into, path: _with(into, after, path.split(".")), taken, before)
    return Renewed(now, taken, waiting)


def _with(into: T, source: Struct, path: list[str]) -> T:
    """Return `into` with the value that `source` has at a path."""
    name, *rest = path
    value: Any = getattr(source, name)
    if rest:
        value = _with(getattr(into, name), value, rest)
    return structs.replace(into, **{name: value})
