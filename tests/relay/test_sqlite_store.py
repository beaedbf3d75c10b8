"""The store on a real file: durability, isolation, bounds of the log, and what it relies on."""

import asyncio
import inspect
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiosqlite
import pytest

from peerpost_protocol.frames import Attestation
from peerpost_protocol.refusals import Refusal
from peerpost_relay.errors import RefusalError, SetupError, StoreError, StoreFullError
from peerpost_relay.settings import RelaySettings
from peerpost_relay.sqlite_store import SqliteStore
from peerpost_relay.sqlite_store.schema import MIGRATIONS
from peerpost_relay.sqlite_store.transaction import SqliteTransaction
from peerpost_relay.sqlite_store.worker import RETRY_SECONDS
from peerpost_relay.store import Operation, Token
from tests.support.relay_client import Person

WRITE_AND_DIE = """
import asyncio, os, sys
from pathlib import Path
from peerpost_relay.sqlite_store import SqliteStore

async def main():
    store = await SqliteStore.open(Path(sys.argv[1]))
    await store.write([lambda t: t.add_token(b"d" * 32, "*", 1, None, None)])
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "relay.sqlite")
    yield opened
    await opened.close()


async def tokens_in(path: Path) -> list[Token]:
    store = await SqliteStore.open(path)
    try:
        return await store.read(lambda s: s.tokens())
    finally:
        await store.close()


async def test_a_new_file_that_another_is_opening_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "relay.sqlite"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE one (two)")
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO one VALUES (2)")
    opening = asyncio.create_task(SqliteStore.open(path))
    asyncio.get_running_loop().call_later(4 * RETRY_SECONDS, other.close)
    await (await opening).close()


def add_card(person: Person) -> Operation[None]:
    return lambda t: t.add_card(person.card, Attestation.UNVERIFIED, 1)


def refuse(_: SqliteTransaction) -> int:
    raise RefusalError(Refusal.EXPIRED, "too late")


def test_aiosqlite_still_runs_whole_functions_by_the_call_we_rely_on() -> None:
    execute = aiosqlite.Connection._execute
    assert inspect.iscoroutinefunction(execute)
    kinds = [parameter.kind for parameter in inspect.signature(execute).parameters.values()]
    assert kinds[2:] == [inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD]
    assert "connector" in inspect.signature(aiosqlite.Connection).parameters


async def test_a_function_of_many_statements_runs_in_the_connections_one_thread(
    store: SqliteStore,
) -> None:
    first = await store._writer.run(lambda db: db.execute("SELECT 1").fetchone())
    second = await store._writer.run(lambda db: db.execute("SELECT 2").fetchone())
    assert (first, second) == ((1,), (2,))


async def test_commits_are_durable_by_the_settings_of_the_connection(store: SqliteStore) -> None:
    def pragma(db: sqlite3.Connection, name: str) -> object:
        return db.execute(f"PRAGMA {name}").fetchone()[0]

    assert await store._writer.run(pragma, "journal_mode") == "wal"
    assert await store._writer.run(pragma, "synchronous") == 2
    assert await store._writer.run(pragma, "wal_autocheckpoint") == 0


def test_a_killed_process_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "relay.sqlite"
    killed = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, path], check=False)
    assert killed.returncode == -9
    assert [token.identity for token in asyncio.run(tokens_in(path))] == ["*"]


async def test_the_epoch_is_made_once(tmp_path: Path) -> None:
    first = await SqliteStore.open(tmp_path / "relay.sqlite")
    await first.close()
    second = await SqliteStore.open(tmp_path / "relay.sqlite")
    await second.close()
    assert first.epoch == second.epoch
    assert len(first.epoch) == 16


async def test_a_refused_operation_is_undone_alone(store: SqliteStore) -> None:
    def add_and_refuse(transaction: SqliteTransaction) -> int:
        transaction.add_token(b"b" * 32, "bad", 1, None, None)
        return refuse(transaction)

    results = await store.write(
        [
            lambda t: t.add_token(b"1" * 32, "one", 1, None, None),
            add_and_refuse,
            lambda t: t.add_token(b"2" * 32, "two", 1, None, None),
        ]
    )
    assert isinstance(results[1], RefusalError)
    assert [t.identity for t in await store.read(lambda s: s.tokens())] == ["one", "two"]


async def test_a_mistake_in_one_operation_does_not_take_the_group_with_it(
    store: SqliteStore,
) -> None:
    def add(transaction: SqliteTransaction) -> int:
        return transaction.add_token(b"1" * 32, "one", 1, None, None)

    first, second, third = await store.write([add, add, lambda _: 1 // 0])
    assert first == 1
    assert isinstance(second, RefusalError)
    assert isinstance(third, RefusalError)
    assert len(await store.read(lambda s: s.tokens())) == 1


async def test_a_full_disk_refuses_the_whole_group_and_passes(store: SqliteStore) -> None:
    (pages,) = await store._writer.run(lambda db: db.execute("PRAGMA page_count").fetchone())
    await store._writer.run(lambda db: db.execute(f"PRAGMA max_page_count={pages}").fetchone())
    people = [Person(f"p{number}@example.org") for number in range(50)]
    operations = [add_card(person) for person in people]
    with pytest.raises(StoreFullError):
        await store.write(operations)
    assert await store.read(lambda s: s.standing(people[0].card.id)) is None
    await store._writer.run(lambda db: db.execute("PRAGMA max_page_count=100000").fetchone())
    await store.write(operations)


async def test_a_query_cannot_write(store: SqliteStore) -> None:
    with pytest.raises(StoreError):
        await store.read(lambda s: s.touch())


async def test_a_touch_reaches_the_disk(store: SqliteStore) -> None:
    log = log_of(store._path)
    before = log.read_bytes()
    await store.write([lambda t: t.touch()])
    assert log.read_bytes() != before


async def test_a_query_does_not_wait_for_a_transaction(store: SqliteStore) -> None:
    await store._writer.run(lambda db: db.execute("BEGIN IMMEDIATE"))
    assert await store.read(lambda s: s.tokens()) == []
    await store._writer.run(lambda db: db.execute("ROLLBACK"))


async def test_the_log_stays_bounded(tmp_path: Path) -> None:
    settings = RelaySettings(checkpoint_bytes=50_000, log_bytes_max=200_000)
    store = await SqliteStore.open(tmp_path / "relay.sqlite", settings)
    for _ in range(200):
        await store.write([lambda t: t.touch()])
    assert log_of(store._path).stat().st_size < 300_000
    await store.close()


def log_of(database: Path) -> Path:
    return database.with_name(f"{database.name}-wal")


async def test_the_log_begins_anew_while_commits_go_on_and_keeps_its_length(tmp_path: Path) -> None:
    store = await SqliteStore.open(
        tmp_path / "relay.sqlite", RelaySettings(checkpoint_bytes=50_000)
    )
    longest = 0
    for _ in range(200):
        await store.write([lambda t: t.touch()])
        size = log_of(store._path).stat().st_size
        assert size >= longest
        longest = size
    assert longest < 400_000  # of 800,000 that were written
    await store.close()


async def test_the_log_holds_what_sqlite_says(store: SqliteStore) -> None:
    """If this fails after an upgrade of SQLite, `sqlite_store/log.py` says what we rely on."""
    for _ in range(3):
        await store.write([lambda t: t.touch()])
    used = store._log.used()
    checkpoint = "PRAGMA wal_checkpoint(PASSIVE)"
    _, frames, moved = await store._writer.run(lambda db: db.execute(checkpoint).fetchone())
    assert used.bytes == frames * (4096 + 24) > 0
    assert used.unmoved_bytes > 0
    assert store._log.used() == (used.bytes, 0)
    assert frames == moved


def modes_in(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_only_the_owner_may_read_the_files(store: SqliteStore, tmp_path: Path) -> None:
    await store.write([lambda t: t.touch()])
    modes = modes_in(tmp_path)
    assert set(modes.values()) == {0o600}
    assert len(modes) == 3


async def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "relay.sqlite"
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(SetupError):
        await SqliteStore.open(path)


async def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "relay.sqlite"
    path.write_bytes(b"no database at all " * 100)
    with pytest.raises(SetupError, match="restore a backup"):
        await SqliteStore.open(path)


async def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "relay.sqlite"
    await (await SqliteStore.open(path)).close()
    whole = path.read_bytes()
    half = len(whole) // 2 // 4096 * 4096
    path.write_bytes(whole[:half] + b"\xa5" * 512 + whole[half + 512 :])
    spoiled = path.read_bytes()
    with pytest.raises(SetupError, match="damaged"):
        await SqliteStore.open(path)
    assert path.read_bytes() == spoiled


async def test_a_closed_store_says_so(store: SqliteStore) -> None:
    await store.close()
    with pytest.raises(StoreError):
        await store.read(lambda s: s.tokens())
