import asyncio
import threading

import pytest
from sqlcipher3 import dbapi2

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault import writer as module
from peerpost_daemon.vault.checkpoint import Checkpoint, frames
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from tests.daemon.vault.notes import note, texts


class Commits:
    """Count the transactions of a database and how many functions each held."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self._commit = module.commit_group
        monkeypatch.setattr(module, "commit_group", self._record)

    def _record(
        self, connection: SqlConnection, functions: list[module.WriteFunction]
    ) -> list[module.Outcome]:
        self.sizes.append(len(functions))
        return self._commit(connection, functions)


class Gate:
    """A write function that holds the writer until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, connection: SqlConnection) -> None:
        self.entered.set()
        self.opened.wait(30)

    async def hold(self, database: Database) -> asyncio.Task[None]:
        task = asyncio.create_task(database.write(self))
        await asyncio.to_thread(self.entered.wait, 30)
        return task


async def test_a_write_returns_what_its_function_returns(database: Database) -> None:
    assert await database.write(note("one")) == 1
    assert await database.read(texts) == ["one"]


async def test_all_that_waits_goes_into_one_transaction(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = Commits(monkeypatch)
    ids = await asyncio.gather(*(database.write(note(str(n))) for n in range(64)))
    assert ids == list(range(1, 65))
    assert commits.sizes == [64]


async def test_a_group_has_a_bound(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = Commits(monkeypatch)
    monkeypatch.setattr(module, "MAX_GROUP", 10)
    await asyncio.gather(*(database.write(note(str(n))) for n in range(25)))
    assert commits.sizes == [10, 10, 5]


async def test_one_failing_function_is_undone_alone(database: Database) -> None:
    def breaks(connection: SqlConnection) -> None:
        note("half")(connection)
        raise DaemonError("not_a_member", "not yours")

    outcomes = await asyncio.gather(
        database.write(note("before")),
        database.write(breaks),
        database.write(note("before")),
        database.write(note("after")),
        return_exceptions=True,
    )
    assert await database.read(texts) == ["before", "after"]
    assert isinstance(outcomes[1], DaemonError)
    assert outcomes[1].kind == "not_a_member"
    assert isinstance(outcomes[2], dbapi2.IntegrityError)


async def test_a_function_that_ends_the_transaction_is_refused(database: Database) -> None:
    with pytest.raises(RuntimeError, match="must not end"):
        await database.write(lambda c: c.execute("COMMIT"))
    assert await database.write(note("next")) == 1


async def test_too_many_waiting_are_told_to_come_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    gate = Gate()
    held = await gate.hold(database)
    waiting = [asyncio.create_task(database.write(note(text))) for text in ("a", "b")]
    await asyncio.sleep(0)
    with pytest.raises(DaemonError) as caught:
        await database.write(note("c"))
    assert (caught.value.kind, caught.value.retry_after) == ("queue_full", 1.0)
    gate.opened.set()
    await asyncio.gather(held, *waiting)
    assert await database.read(texts) == ["a", "b"]


async def test_a_caller_that_left_before_its_turn_writes_nothing(database: Database) -> None:
    gate = Gate()
    held = await gate.hold(database)
    leaving = asyncio.create_task(database.write(note("gone")))
    staying = asyncio.create_task(database.write(note("here")))
    await asyncio.sleep(0)
    leaving.cancel()
    gate.opened.set()
    await asyncio.gather(held, staying)
    assert await database.read(texts) == ["here"]


async def test_a_caller_that_leaves_meanwhile_harms_nobody(database: Database) -> None:
    gate = Gate()
    held = await gate.hold(database)
    held.cancel()
    gate.opened.set()
    assert await database.write(note("next")) == 1


async def test_reads_do_not_wait_for_a_write(database: Database) -> None:
    gate = Gate()
    held = await gate.hold(database)
    assert await database.read(texts) == []
    gate.opened.set()
    await held


async def test_the_log_is_moved_into_the_file_when_it_is_long(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_FRAMES", 10)
    monkeypatch.setattr(module, "LOG_LOOK_GROUPS", 2)
    lengths = []
    for n in range(20):
        await database.write(note(str(n) * 5000))
        lengths.append(await database._writing.call(frames))
    assert max(lengths) < 30
    assert lengths.count(0) > 1


async def test_a_checkpoint_that_fails_is_put_off(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(connection: SqlConnection, how: Checkpoint) -> bool:
        raise DaemonError("storage_full", "no space")

    monkeypatch.setattr(module, "CHECKPOINT_FRAMES", 1)
    monkeypatch.setattr(module, "take_checkpoint", fail)
    await database.write(note("one"))
    assert await database.write(note("two")) == 2
    assert "checkpoint put off: no space" in caplog.text


async def test_what_nobody_waits_for_joins_the_next_group(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LATER_SECONDS", 3600.0)
    groups = database._writer._groups
    put_off = asyncio.create_task(database.write(note("later"), later=True))
    await asyncio.sleep(0)
    await database.write(note("now"))
    await put_off
    assert database._writer._groups == groups + 1


async def test_what_nobody_waits_for_is_committed_by_itself(database: Database) -> None:
    await database.write(note("later"), later=True)
    assert await database.read(lambda db: db.execute("SELECT count(*) FROM note").fetchone()) == (
        1,
    )


async def test_one_turn_of_the_loop_shares_a_transaction(database: Database) -> None:
    groups = database._writer._groups
    await asyncio.gather(database.write(note("one")), database.write(note("two")))
    assert database._writer._groups == groups + 1
