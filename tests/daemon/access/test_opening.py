import grp
import os

import pytest

from peerpost_daemon.access.opening import opening_of
from peerpost_daemon.access.settings import AccessSettings
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.rpc import Scope
from peerpost_daemon.rpc.place import PRIVATE

GROUP = grp.getgrgid(os.getgid())
USER = AccessSettings(uid=4711, scopes=(Scope.SEND,))
STAFF = AccessSettings(gid=GROUP.gr_gid, scopes=(Scope.SEND,))


def test_without_a_table_nobody_else_can_open_the_socket() -> None:
    assert opening_of((), None) == PRIVATE


def test_the_group_of_all_tables_may_open_it() -> None:
    assert opening_of((STAFF, STAFF), None).group == GROUP.gr_gid


def test_the_group_that_is_named_may_open_it() -> None:
    assert opening_of((USER, STAFF), GROUP.gr_name).group == GROUP.gr_gid


@pytest.mark.parametrize("named", [None, "none-of-this-name"])
def test_tables_of_users_need_a_group(named: str | None) -> None:
    with pytest.raises(DaemonError) as caught:
        opening_of((USER, STAFF), named)
    assert caught.value.field == "socket_group"
