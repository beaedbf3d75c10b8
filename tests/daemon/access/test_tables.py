import grp
import os
import pwd

import pytest

from peerpost_daemon.access import people
from peerpost_daemon.access.settings import AccessSettings
from peerpost_daemon.access.tables import Tables
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.rpc import EVERYTHING, Peer, Scope
from peerpost_daemon.rpc.call import MAIN

SEND, RECEIVE, ADMIN = Scope.SEND, Scope.RECEIVE, Scope.ADMIN
DEPLOY, STAFF = 4711, 815


def tables(*rows: AccessSettings) -> Tables:
    return Tables(rows, owners=frozenset({1, 0}))


def test_without_a_table_the_own_user_and_root_have_everything_and_nobody_else_anything() -> None:
    made = Tables()
    assert made.rights(Peer(os.geteuid(), 5, 1)) == {MAIN: EVERYTHING}
    assert made.rights(Peer(0, 0, 1)) == {MAIN: EVERYTHING}
    assert made.rights(Peer(os.geteuid() + DEPLOY, os.getegid(), 1)) == {}


def test_a_user_has_what_its_table_says() -> None:
    made = tables(AccessSettings(uid=DEPLOY, scopes=(SEND,), channels=("ops",)))
    assert dict(made.rights(Peer(DEPLOY, 5, 1))[MAIN].scopes) == {SEND: frozenset({"ops"})}
    assert made.rights(Peer(DEPLOY + 1, 5, 1)) == {}


@pytest.mark.parametrize("peer", [Peer(9, STAFF, 1), Peer(9, 5, 1, (6, STAFF))])
def test_a_member_of_a_group_has_what_its_table_says(peer: Peer) -> None:
    made = tables(AccessSettings(gid=STAFF, scopes=(RECEIVE,)))
    assert dict(made.rights(peer)[MAIN].scopes) == {RECEIVE: None}


def test_a_uid_is_no_gid() -> None:
    made = tables(AccessSettings(uid=STAFF, scopes=(SEND,)))
    assert made.rights(Peer(9, STAFF, 1, (STAFF,))) == {}


def test_what_tables_give_adds_up_scope_by_scope() -> None:
    made = tables(
        AccessSettings(uid=DEPLOY, scopes=(SEND,), channels=("ops",)),
        AccessSettings(gid=STAFF, scopes=(RECEIVE,), channels=("board", "Bob@example.org")),
    )
    assert dict(made.rights(Peer(DEPLOY, STAFF, 1))[MAIN].scopes) == {
        SEND: frozenset({"ops"}),
        RECEIVE: frozenset({"board", "bob@example.org"}),
    }


def test_all_channels_and_some_are_all() -> None:
    made = tables(
        AccessSettings(uid=DEPLOY, scopes=(SEND,)),
        AccessSettings(uid=DEPLOY, scopes=(SEND,), channels=("ops",)),
    )
    assert dict(made.rights(Peer(DEPLOY, 5, 1))[MAIN].scopes) == {SEND: None}


def test_names_are_looked_up_at_start() -> None:
    name = pwd.getpwuid(os.getuid()).pw_name
    group = grp.getgrgid(os.getgid()).gr_name
    made = Tables(
        [
            AccessSettings(user=name, scopes=(SEND,)),
            AccessSettings(group=group, scopes=(ADMIN,)),
        ],
        owners=frozenset(),
    )
    assert set(made.rights(Peer(os.getuid(), os.getgid(), 1))[MAIN].scopes) == {SEND, ADMIN}


@pytest.mark.parametrize(
    "table",
    [
        AccessSettings(user="nobody-of-this-name", scopes=(SEND,)),
        AccessSettings(group="none-of-this-name", scopes=(SEND,)),
    ],
)
def test_a_name_that_is_not_there_is_an_error(table: AccessSettings) -> None:
    with pytest.raises(DaemonError, match="there is no such"):
        Tables([table])


def test_who_stands_for_nobody_in_particular_cannot_be_given_anything() -> None:
    for table in (
        AccessSettings(uid=people.nobody(), scopes=(SEND,)),
        AccessSettings(gid=people.no_group(), scopes=(SEND,)),
    ):
        with pytest.raises(DaemonError, match="other namespaces"):
            Tables([table])


def test_an_account_is_for_those_whose_tables_name_it() -> None:
    made = Tables(
        [
            AccessSettings(uid=DEPLOY, scopes=(SEND,), accounts=("ops",)),
            AccessSettings(uid=DEPLOY, scopes=(RECEIVE,), accounts=("ops", "main")),
            AccessSettings(gid=STAFF, scopes=(ADMIN,), accounts=("main",)),
        ],
        owners=frozenset({1}),
        accounts=("ops", "sales"),
    )
    found = made.rights(Peer(DEPLOY, 5, 1))
    assert {name: set(rights.scopes) for name, rights in found.items()} == {
        "ops": {SEND, RECEIVE},
        "main": {RECEIVE},
    }
    assert set(made.rights(Peer(9, STAFF, 1))) == {"main"}
    assert set(made.rights(Peer(1, 1, 1))) == {"main", "ops", "sales"}
