import sqlite3
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault.connection import WRITER, SqlConnection, connect
from peerpost_daemon.vault.migrations import Migration, migrate, statements, version_of

FIRST = Migration(1, "parents", "CREATE TABLE parent (id INTEGER PRIMARY KEY);")
SECOND = Migration(
    2, "children", "CREATE TABLE child (parent INTEGER REFERENCES parent (id)); -- end"
)


@pytest.fixture
def connection(tmp_path: Path) -> SqlConnection:
    return connect(tmp_path / "vault.db", b"k" * 32, WRITER)


def tables(connection: SqlConnection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {row[0] for row in rows}


def test_every_step_is_taken_once(connection: SqlConnection) -> None:
    assert migrate(connection, [FIRST]) == 1
    assert migrate(connection, [FIRST, SECOND]) == 2
    assert migrate(connection, [FIRST, SECOND]) == 2
    assert tables(connection) == {"parent", "child"}


def test_a_step_can_be_a_function(connection: SqlConnection) -> None:
    step = Migration(1, "by hand", lambda c: c.execute("CREATE TABLE made (id)"))
    assert migrate(connection, [step]) == 1
    assert tables(connection) == {"made"}


def test_a_failing_step_leaves_nothing_of_itself(connection: SqlConnection) -> None:
    broken = Migration(2, "broken", "CREATE TABLE half (id); CREATE TABLE half (id);")
    with pytest.raises(dbapi2.OperationalError):
        migrate(connection, [FIRST, broken])
    assert (version_of(connection), tables(connection)) == (1, {"parent"})
    assert migrate(connection, [FIRST, SECOND]) == 2


def test_a_newer_schema_is_left_alone(connection: SqlConnection) -> None:
    migrate(connection, [FIRST, SECOND])
    with pytest.raises(DaemonError, match="made by a newer version") as caught:
        migrate(connection, [FIRST])
    assert caught.value.kind == "storage_failed"
    assert version_of(connection) == 2


def test_a_step_that_leaves_dangling_references_is_undone(connection: SqlConnection) -> None:
    migrate(connection, [FIRST, SECOND])
    orphan = Migration(3, "orphan", "INSERT INTO child VALUES (7);")
    with pytest.raises(DaemonError, match="child"):
        migrate(connection, [FIRST, SECOND, orphan])
    assert version_of(connection) == 2


def test_a_table_that_is_referred_to_can_be_rebuilt(connection: SqlConnection) -> None:
    migrate(connection, [FIRST, SECOND])
    connection.execute("INSERT INTO parent VALUES (1)")
    connection.execute("INSERT INTO child VALUES (1)")
    rebuild = Migration(
        3,
        "rebuild",
        "CREATE TABLE fresh (id INTEGER PRIMARY KEY, name TEXT);"
        "INSERT INTO fresh (id) SELECT id FROM parent;"
        "DROP TABLE parent;"
        "ALTER TABLE fresh RENAME TO parent;",
    )
    assert migrate(connection, [FIRST, SECOND, rebuild]) == 3
    with pytest.raises(dbapi2.IntegrityError):
        connection.execute("INSERT INTO child VALUES (2)")


def test_a_step_must_not_end_its_transaction(connection: SqlConnection) -> None:
    with pytest.raises(RuntimeError, match="ended its own transaction"):
        migrate(connection, [Migration(1, "commits", lambda c: c.execute("COMMIT"))])


@pytest.mark.parametrize("versions", [(2,), (1, 3), (1, 1), (2, 1)])
def test_steps_are_numbered_without_holes(
    connection: SqlConnection, versions: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="numbered"):
        migrate(connection, [Migration(version, "", "") for version in versions])


def test_a_script_is_split_at_statements_not_at_semicolons() -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; DELETE FROM c; END;"
    script = f"CREATE TABLE a (x DEFAULT ';');\n{trigger}\n"
    assert list(statements(script)) == ["CREATE TABLE a (x DEFAULT ';');", trigger]
    assert sqlite3.complete_statement(trigger)


def test_a_script_that_ends_in_the_middle_is_a_bug() -> None:
    with pytest.raises(ValueError, match="middle"):
        list(statements("CREATE TABLE a (x DEFAULT '"))
