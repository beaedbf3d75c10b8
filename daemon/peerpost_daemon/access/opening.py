"""Who may open the socket at all: its own user, or one group, which is named in the configuration or in its one table.

The kernel looks at the file before the daemon looks at the caller. So whoever is in no table cannot even try, and the
socket is never open to all users of the machine.
"""

from collections.abc import Sequence

from peerpost_daemon.access import people
from peerpost_daemon.access.settings import AccessSettings
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.rpc.place import PRIVATE, Opening


def opening_of(tables: Sequence[AccessSettings], named: str | None) -> Opening:
    """Return who may open the socket. Raises DaemonError invalid_params when the tables do not say which group may."""
    if named is not None:
        if (group := people.group_called(named)) is None:
            raise _wrong(f"there is no group {named}")
        return Opening(group)
    if not tables:
        return PRIVATE
    groups = {people.group_of(table) for table in tables}
    if len(groups) == 1 and (only := groups.pop()) is not None:
        return Opening(only)
    raise _wrong("name the group of all who may call: nobody else can open the socket")


def _wrong(said: str) -> DaemonError:
    return DaemonError(
        "invalid_params", f"Configuration: socket_group: {said}.", field="socket_group"
    )
