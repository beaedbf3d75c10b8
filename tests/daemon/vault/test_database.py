import asyncio
import contextlib
import threading
from pathlib import Path

import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault import database as module
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_daemon.vault.migrations import Migration
from tests.daemon.vault.conftest import KEY, STEPS
from tests.daemon.vault.notes import note, texts


def workers() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if "_connection_worker_thread" in t.name]


def damage(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


async def test_what_was_written_is_there_after_a_restart(vault: Path) -> None:
    first = await Database.open(vault, KEY, STEPS)
    await first.write(note("kept"))
    await first.close()
    second = await Database.open(vault, KEY, STEPS)
    assert await second.read(texts) == ["kept"]
    await second.close()


async def test_every_file_is_private(database: Database, vault: Path) -> None:
    await database.write(note("x"))
    modes = {path.name: path.stat().st_mode & 0o777 for path in vault.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"vault.db", "vault.db-wal", "vault.db.lock"} <= set(modes)
    assert vault.parent.stat().st_mode & 0o777 == 0o700


async def test_a_second_daemon_is_refused(database: Database, vault: Path) -> None:
    with pytest.raises(DaemonError, match="already open by pid"):
        await Database.open(vault, KEY, STEPS)
    await database.write(note("undisturbed"))


async def test_closing_commits_what_waits_and_leaves_no_log(vault: Path) -> None:
    opened = await Database.open(vault, KEY, STEPS)
    writes = [asyncio.create_task(opened.write(note(str(n)))) for n in range(300)]
    await asyncio.sleep(0)
    await opened.close()
    assert len(await asyncio.gather(*writes)) == 300
    assert sorted(path.name for path in vault.parent.iterdir()) == ["vault.db", "vault.db.lock"]


async def test_closing_waits_for_the_reads_under_way(vault: Path) -> None:
    opened = await Database.open(vault, KEY, STEPS)
    await opened.write(note("x"))
    reads = [asyncio.create_task(opened.read(texts)) for _ in range(20)]
    await asyncio.sleep(0)
    await opened.close()
    assert await asyncio.gather(*reads) == [["x"]] * 20


async def test_a_closed_vault_is_locked(vault: Path) -> None:
    opened = await Database.open(vault, KEY, STEPS)
    await opened.close()
    await opened.close()
    for call in (opened.read(texts), opened.write(note("late")), opened.checkpoint()):
        with pytest.raises(DaemonError) as caught:
            await call
        assert caught.value.kind == "locked"


async def test_a_vault_that_does_not_open_lets_go_of_everything(vault: Path) -> None:
    await (await Database.open(vault, KEY, STEPS)).close()
    with pytest.raises(DaemonError):
        await Database.open(vault, b"x" * 32, STEPS)
    with pytest.raises(DaemonError, match="newer"):
        await Database.open(vault, KEY, ())
    for thread in workers():
        thread.join(5)
    assert workers() == []
    await (await Database.open(vault, KEY, STEPS)).close()


async def test_steps_added_later_are_taken_on_open(vault: Path) -> None:
    await (await Database.open(vault, KEY, STEPS)).close()
    more = (*STEPS, Migration(2, "colour", "ALTER TABLE note ADD COLUMN colour TEXT"))
    opened = await Database.open(vault, KEY, more)
    await opened.write(lambda c: c.execute("INSERT INTO note (colour) VALUES ('red')") and None)
    await opened.close()


async def test_a_damaged_page_is_noticed_on_open(vault: Path) -> None:
    opened = await Database.open(vault, KEY, STEPS)
    await opened.write(note("x" * 50_000))
    await opened.close()
    damage(vault, 5 * 4096 + 100)
    with pytest.raises(DaemonError, match="damaged") as caught:
        await Database.open(vault, KEY, STEPS)
    assert caught.value.kind == "storage_failed"
    assert "\n" not in str(caught.value)


async def test_a_read_sees_one_state(database: Database) -> None:
    await database.write(note("one"))
    between, written = threading.Event(), threading.Event()

    def twice(connection: SqlConnection) -> tuple[list[str], list[str]]:
        first = texts(connection)
        between.set()
        written.wait(30)
        return first, texts(connection)

    reading = asyncio.create_task(database.read(twice))
    await asyncio.to_thread(between.wait, 30)
    await database.write(note("two"))
    written.set()
    assert await reading == (["one"], ["one"])
    assert await database.read(texts) == ["one", "two"]


async def test_a_read_that_fails_harms_no_other(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await database.read(lambda _: 1 // 0)
    assert await database.read(texts) == []


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(DaemonError):
        await database.read(note("sneaked in"))


async def test_too_many_reads_are_told_to_come_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_READING", 3)
    reads = [database.read(texts) for _ in range(4)]
    outcomes = await asyncio.gather(*reads, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, DaemonError)]
    assert [(error.kind, error.retry_after) for error in refused] == [("queue_full", 1.0)]


async def test_a_checkpoint_shortens_the_log_to_nothing(database: Database, vault: Path) -> None:
    await database.write(note("x" * 50_000))
    log = vault.with_name("vault.db-wal")
    assert log.stat().st_size > 50_000
    assert await database.checkpoint()
    assert log.stat().st_size == 0


async def test_deleted_text_is_overwritten(database: Database) -> None:
    await database.write(note("x"))
    assert await database.read(lambda c: c.execute("PRAGMA secure_delete").fetchone()) == (1,)


async def test_a_writer_that_is_cancelled_fails_those_who_wait(vault: Path) -> None:
    opened = await Database.open(vault, KEY, STEPS)
    write = asyncio.create_task(opened.write(note("x")))
    await asyncio.sleep(0)
    opened._task.cancel()
    with pytest.raises(DaemonError) as caught:
        await write
    assert caught.value.kind == "locked"
    await opened.close()


async def test_an_opening_that_is_cancelled_lets_go_of_the_vault(vault: Path) -> None:
    opening = asyncio.create_task(Database.open(vault, KEY, STEPS))
    await asyncio.sleep(0)
    opening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await opening
    await (await Database.open(vault, KEY, STEPS)).close()


async def test_a_quick_read_runs_where_the_newest_rows_are(database: Database) -> None:
    writing = await database.write(lambda _: threading.get_ident())
    assert await database.read(lambda _: threading.get_ident()) != writing
    assert await database.read(lambda _: threading.get_ident(), quick=True) == writing
    await database.write(note("x"))
    assert await database.read(texts, quick=True) == ["x"]


async def test_a_quick_read_waits_for_no_commit(database: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: SqlConnection) -> None:
        note("late")(connection)
        begun.set()
        go_on.wait()

    writing = asyncio.create_task(database.write(slow))
    await asyncio.to_thread(begun.wait)
    try:
        assert await database.read(texts, quick=True) == []
    finally:
        go_on.set()
    await writing
    assert await database.read(texts, quick=True) == ["late"]


async def test_a_quick_read_that_writes_has_written_nothing(database: Database) -> None:
    await database.read(note("x"), quick=True)
    assert await database.read(texts) == []
