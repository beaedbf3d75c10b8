"""What the configuration says of who may call."""

from collections.abc import Collection, Sequence
from typing import Annotated, Final

from msgspec import Meta, Struct

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records.within import MalformedReferenceError, checked
from peerpost_daemon.rpc.call import MAIN
from peerpost_daemon.rpc.rights import Scope

MAX_TABLES: Final = 256
MAX_CHANNELS: Final = 256
MAX_ACCOUNTS: Final = 64
MAX_ID: Final = 2**32 - 2  # -1 means "none" to the kernel

Id = Annotated[int, Meta(ge=0, le=MAX_ID)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]
Reference = Annotated[str, Meta(min_length=1, max_length=254)]


class AccessSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Be what one user, or the members of one group, may do."""

    uid: Id | None = None  # who: a user by number
    user: Name | None = None  # or by name, looked up at start and reload
    gid: Id | None = None  # or the members of a group, as the kernel knows them when they connect
    group: Name | None = None  # by name, looked up at start and reload
    # names of the accounts that it is about; needed where there are several
    accounts: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=MAX_ACCOUNTS)] | None = None
    # send, receive, admin: what they may; admin is never kept to channels
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=3)]
    # aliases (`peerpost channel alias`), whole ids, or identities for direct ones; none: all. Never names: those are
    # for the members of a channel to choose
    channels: Annotated[tuple[Reference, ...], Meta(max_length=MAX_CHANNELS)] | None = None

    @property
    def whom(self) -> str:
        """Return who is meant, as the table says it."""
        for name in ("uid", "user", "gid", "group"):
            if (given := getattr(self, name)) is not None:
                return f"{name} {given}"
        return "nobody"


def check(tables: Sequence[AccessSettings], accounts: Collection[str] = ()) -> None:
    """Raise DaemonError invalid_params for tables that cannot be meant; `accounts` are those beside the main one."""
    for table in tables:
        given = (table.uid, table.user, table.gid, table.group)
        if sum(one is not None for one in given) != 1:
            raise wrong(table, "give one of uid, user, gid, group")
        if table.channels is not None and Scope.ADMIN in table.scopes:
            raise wrong(table, "admin is for the whole account; leave channels away")
        if table.accounts is None and accounts:
            raise wrong(table, "there are several accounts; name those that it is about")
        for name in table.accounts or ():
            if name not in (MAIN, *accounts):
                raise wrong(table, f"there is no account {name!r}")
        if table.channels == ():
            raise wrong(table, "channels is empty; leave it away for all of them")
        for reference in table.channels or ():
            try:
                checked(reference)
            except MalformedReferenceError as error:
                raise wrong(table, f"{reference!r} {error}") from None


def wrong(table: AccessSettings, said: str) -> DaemonError:
    """Return the error of a table."""
    message = f"Configuration: the access of {table.whom}: {said}."
    return DaemonError("invalid_params", message, field="access")
