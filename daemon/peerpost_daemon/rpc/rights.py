"""What a caller may do: scopes, and for each the channels it is kept to. Looked up once, used at each call.

A method says which scope it needs, and how far it reaches. One that reaches over the whole account is not for callers
who are kept to some channels; one that keeps to its caller's channels looks for itself (`methods.within`). What says
nothing reaches over the account: a new method is refused to them until somebody has thought about it.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from peerpost_daemon.errors import DaemonError


class Scope(enum.Enum):
    """What a caller has to be allowed to."""

    SEND = "send"
    RECEIVE = "receive"
    ADMIN = "admin"


class Reach(enum.Enum):
    """How far a method reaches."""

    ACCOUNT = "account"  # over all of it
    CHANNELS = "channels"  # it keeps to the channels that its caller may use


Channels = frozenset[str] | None
"""What channels are called in the configuration (ids, aliases, identities); None: all."""
_NONE: Final[frozenset[str]] = frozenset()


class Rights(Struct, frozen=True):
    """Be what a caller may do with one account.

    `names` begins what a caller names here (consumers, keys), so that no user's names are another's; the daemon's own
    user has none, and sees all.
    """

    scopes: Mapping[Scope, Channels]
    names: str = ""

    def check(self, scope: Scope, reach: Reach) -> None:
        """Raise DaemonError forbidden, naming the scope, unless a method of this kind may be called."""
        channels = self.scopes.get(scope, _NONE)
        if channels is None:
            return
        if not channels:
            message = f"This caller has not the scope {scope.value}."
            raise DaemonError("forbidden", message, extra={"scope": scope.value})
        if reach is Reach.ACCOUNT:
            message = "This is about the whole account; this caller is kept to some channels."
            raise DaemonError("forbidden", message, extra={"scope": scope.value})

    def channels(self, scope: Scope) -> Channels:
        """Return the channels for which a scope is given: without the scope none."""
        return self.scopes.get(scope, _NONE)

    def kept(self, name: str) -> str:
        """Return under which name the vault keeps what this caller calls so."""
        return self.names + name

    def told(self, name: str) -> str | None:
        """Return what this caller calls something in the vault, None for what it has not named."""
        return name[len(self.names) :] if name.startswith(self.names) else None


EVERYTHING: Final = Rights(MappingProxyType(dict.fromkeys(Scope)))
"""What the daemon's own user and root may: they can read its memory as well."""
NOTHING: Final = Rights(MappingProxyType({}))
