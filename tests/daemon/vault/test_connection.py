import inspect
import logging
import threading
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlcipher3 import dbapi2

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault.connection import READER, WRITER, Connection, Role, connect

ENDING_SECONDS = 10.0
KEY = bytes(range(32))


def setting(path: Path, role: Role, name: str) -> object:
    connection = connect(path, KEY, role)
    value = connection.execute(f"PRAGMA {name}").fetchone()[0]
    connection.close()
    return value


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


async def test_the_private_method_we_call_still_runs_functions_in_the_connections_thread(
    tmp_path: Path,
) -> None:
    """If this fails after an upgrade of aiosqlite, `vault/connection.py` says what we rely on."""
    parameters = list(inspect.signature(aiosqlite.Connection._execute).parameters.values())
    assert [p.name for p in parameters][:2] == ["self", "fn"]
    async with aiosqlite.connect(tmp_path / "plain.db") as proxy:
        execute: Any = proxy._execute
        first = await execute(threading.get_ident)
        assert first == await execute(threading.get_ident) != threading.get_ident()
        with pytest.raises(KeyError):
            await execute({}.__getitem__, "absent")


def test_statements_stay_compiled(tmp_path: Path) -> None:
    connection = connect(tmp_path / "vault.db", KEY, WRITER)
    compiled: list[int] = []

    def compiling(action: int, *_: str | None) -> int:
        compiled.append(action)
        return int(dbapi2.SQLITE_OK)

    connection.set_authorizer(compiling)
    statements = [f"SELECT {number} + ?" for number in range(500)]
    for statement in statements:
        connection.execute(statement, (1,)).fetchall()
    assert len(compiled) >= len(statements)
    compiled.clear()
    for statement in statements:
        connection.execute(statement, (2,)).fetchall()
    connection.close()
    assert compiled == []


async def test_functions_run_one_after_the_other_in_one_thread(tmp_path: Path) -> None:
    connection = await Connection.open(tmp_path / "vault.db", KEY, WRITER)
    idents = {await connection.call(lambda _: threading.get_ident()) for _ in range(3)}
    await connection.close()
    assert len(idents) == 1
    assert threading.get_ident() not in idents


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("secure_delete", 1),
        ("foreign_keys", 1),
        ("temp_store", 2),
        ("wal_autocheckpoint", 0),
        ("cache_size", -8192),
        ("journal_size_limit", 16 * 1024 * 1024),
    ],
)
def test_every_setting_that_is_promised_is_in_force(
    tmp_path: Path, name: str, value: object
) -> None:
    assert setting(tmp_path / "vault.db", WRITER, name) == value


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    connect(tmp_path / "vault.db", KEY, WRITER).close()
    reader = connect(tmp_path / "vault.db", KEY, READER)
    with pytest.raises(dbapi2.OperationalError, match="readonly"):
        reader.execute("CREATE TABLE t (x)")
    reader.close()


async def test_another_key_does_not_open_and_leaves_no_thread(tmp_path: Path) -> None:
    connect(tmp_path / "vault.db", KEY, WRITER).execute("CREATE TABLE t (x)")
    before = set(threading.enumerate())
    with pytest.raises(DaemonError, match="does not open with this key") as caught:
        await Connection.open(tmp_path / "vault.db", b"x" * 32, WRITER)
    assert caught.value.kind == "storage_failed"
    for thread in set(threading.enumerate()) - before:
        thread.join(ENDING_SECONDS)
        assert not thread.is_alive()


async def test_a_plain_or_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vault.db").write_bytes(b"SQLite format 3\0" + b"x" * 8000)
    with pytest.raises(DaemonError) as caught:
        await Connection.open(tmp_path / "vault.db", KEY, WRITER)
    assert caught.value.kind == "storage_failed"


async def test_neither_key_nor_content_reaches_a_log_or_standard_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    connection = await Connection.open(tmp_path / "vault.db", KEY, WRITER)
    await connection.call(lambda c: c.execute("CREATE TABLE t (x)") and None)
    await connection.call(lambda c: c.execute("INSERT INTO t VALUES ('private')") and None)
    await connection.close()
    with pytest.raises(DaemonError):
        await Connection.open(tmp_path / "vault.db", b"x" * 32, WRITER)
    output = capfd.readouterr()
    for secret in (KEY.hex(), repr(KEY), "private", "hmac"):
        assert secret not in caplog.text + output.out + output.err


async def test_nothing_readable_reaches_the_disk(tmp_path: Path) -> None:
    connection = await Connection.open(tmp_path / "vault.db", KEY, WRITER)
    await connection.call(lambda c: c.execute("CREATE TABLE visible (x)") and None)
    await connection.call(lambda c: c.execute("INSERT INTO visible VALUES ('private')") and None)
    files = contents(tmp_path)
    await connection.close()
    assert files["vault.db-wal"]
    for content in files.values():
        assert b"visible" not in content
        assert b"private" not in content
        assert b"SQLite" not in content
