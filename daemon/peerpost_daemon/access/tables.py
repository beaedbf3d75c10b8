"""All tables, and what they give to a caller.

1. The daemon's own user and root may everything: they can read the vault's keys in its memory, so a table could only
   pretend to keep them out.
2. A number that stands for nobody in particular (a user or group of another namespace) has nothing.
3. What several tables give adds up, account by account and scope by scope: to send into one channel and to receive
   from another is not to send into both.
4. Nobody else has anything.
"""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from peerpost_daemon.access import people
from peerpost_daemon.access.settings import AccessSettings
from peerpost_daemon.records.within import checked
from peerpost_daemon.rpc.call import MAIN, ROOT, Caller, Peer
from peerpost_daemon.rpc.rights import EVERYTHING, Channels, Rights, Scope


class _Given(NamedTuple):
    """Be what one table gives: to which accounts, which scopes, for which channels."""

    accounts: Collection[str]
    scopes: Sequence[Scope]
    channels: Channels


class Tables:
    """Know who may what. Raises DaemonError invalid_params for a name that is not there."""

    def __init__(
        self,
        tables: Iterable[AccessSettings] = (),
        owners: frozenset[int] | None = None,
        accounts: Iterable[str] = (),
    ) -> None:
        self._everything = dict.fromkeys((MAIN, *accounts), EVERYTHING)
        self._owners = frozenset({os.geteuid(), ROOT}) if owners is None else owners
        self._nobody, self._no_group = people.nobody(), people.no_group()
        self._users: dict[int, list[_Given]] = {}
        self._groups: dict[int, list[_Given]] = {}
        for table in tables:
            self._add(table)

    def caller(self, peer: Peer) -> Caller:
        """Return who calls, and what that one may do."""
        return Caller(peer, self.rights(peer))

    def rights(self, peer: Peer) -> Mapping[str, Rights]:
        """Return what a caller may do with each account, as the kernel describes it at connection time."""
        if peer.uid in self._owners:
            return self._everything
        given = list(self._users.get(peer.uid, ())) if peer.uid != self._nobody else []
        for gid in {peer.gid, *peer.groups} - {self._no_group}:
            given += self._groups.get(gid, ())
        names = f"uid:{peer.uid}:"
        accounts = {account: None for each in given for account in each.accounts}
        return {account: Rights(_together(given, account), names) for account in accounts}

    def _add(self, table: AccessSettings) -> None:
        channels = None if table.channels is None else frozenset(map(checked, table.channels))
        given = _Given(table.accounts or (MAIN,), table.scopes, channels)
        if (uid := people.user_of(table)) is not None:
            self._users.setdefault(uid, []).append(given)
        if (gid := people.group_of(table)) is not None:
            self._groups.setdefault(gid, []).append(given)


def _together(given: Iterable[_Given], account: str) -> Mapping[Scope, Channels]:
    found: dict[Scope, Channels] = {}
    for each in given:
        for scope in each.scopes if account in each.accounts else ():
            before, channels = found.get(scope, frozenset()), each.channels
            found[scope] = None if before is None or channels is None else before | channels
    return MappingProxyType(found)
