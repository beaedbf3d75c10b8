"""Tidying: what has expired, or is not kept, leaves the vault and the disk.

The vault's pages are encrypted, so nothing could be found in its file by looking. The same code on the same engine
without a key writes plain pages, and those are searched.
"""

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import pytest
from sqlcipher3 import dbapi2

from peerpost_daemon.bell import Bell
from peerpost_daemon.event_data import ChangeData
from peerpost_daemon.records import changes, events, indexing, messages, outbox, retention, schema
from peerpost_daemon.records.retention import Retention
from peerpost_daemon.tidying import RETENTION_LOOKS, Tidying
from peerpost_daemon.vault.checkpoint import Checkpoint, take_checkpoint
from peerpost_daemon.vault.connection import WRITER, SqlConnection, _pragmas
from peerpost_daemon.vault.database import Database
from peerpost_daemon.vault.migrations import migrate
from tests.daemon.methods.house import ALICE, BOB, message_by
from tests.support.people import NOW_MS, digest

OPS = digest("ops")
SECRET = "xyzzysentinel"
T = TypeVar("T")


class PlainVault:
    """Be the vault's database without its key, in the test's own thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.db: SqlConnection = dbapi2.connect(str(path), isolation_level=None)
        for pragma in _pragmas(WRITER):
            self.db.execute(f"PRAGMA {pragma}").fetchall()
        migrate(self.db, schema.MIGRATIONS)

    async def read(self, function: Callable[[SqlConnection], T]) -> T:
        return function(self.db)

    async def write(self, function: Callable[[SqlConnection], T], *, later: bool = False) -> T:
        self.db.execute("BEGIN")
        result = function(self.db)
        self.db.execute("COMMIT")
        return result

    async def checkpoint(self) -> bool:
        return take_checkpoint(self.db, Checkpoint.TRUNCATE)

    def holds(self, part: bytes) -> bool:
        """Tell whether any of its files has these bytes."""
        return any(part in file.read_bytes() for file in self.path.parent.iterdir())


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[PlainVault]:
    opened = PlainVault(tmp_path / "vault.db")
    yield opened
    opened.db.close()


def tidying(vault: PlainVault, now_ms: int = NOW_MS) -> Tidying:
    return Tidying(cast("Database", vault), Bell(), now_ms=lambda: now_ms)


async def say(vault: PlainVault, text: str, **changed: object) -> int:
    def store(db: SqlConnection) -> int:
        message = message_by(BOB, OPS, text, **changed)
        cursor = messages.add(db, message)
        assert cursor is not None
        if message.mine:
            outbox.add(db, message, cursor, None, None)
        events.add_message(db, NOW_MS, OPS, cursor)
        indexing.batch(db)
        return cursor

    return await vault.write(store)


def count(vault: PlainVault) -> int:
    return messages.count(vault.db)


async def test_what_has_expired_leaves_the_disk(vault: PlainVault) -> None:
    await say(vault, f"{SECRET} long" * 2000, expires_at_ms=NOW_MS + 1, title=SECRET)
    await say(vault, "stays")
    assert vault.holds(SECRET.encode())
    await tidying(vault).look()
    assert count(vault) == 2
    await tidying(vault, NOW_MS + 1).look()
    assert count(vault) == 1
    for part in (SECRET, SECRET[1:]):  # the index shares the beginnings of words
        assert not vault.holds(part.encode())
    assert vault.holds(b"stays")


@pytest.mark.parametrize("how", ["edited", "deleted"])
async def test_what_was_replaced_or_deleted_leaves_the_disk(vault: PlainVault, how: str) -> None:
    cursor = await say(vault, f"the {SECRET}", title=SECRET)
    if how == "deleted":
        await vault.write(lambda db: changes.erase(db, cursor, BOB.identity, NOW_MS))
    else:
        await vault.write(lambda db: db.execute("UPDATE message SET title = NULL").rowcount)
        await vault.write(lambda db: changes.edit(db, cursor, "better", 1, NOW_MS))
    await vault.checkpoint()
    assert not vault.holds(SECRET[1:].encode())


async def test_what_expires_before_it_was_sent_fails(vault: PlainVault) -> None:
    mine = {"mine": True, "card": ALICE.card.id, "expires_at_ms": NOW_MS}
    await say(vault, "too late", **mine)
    await tidying(vault).look()
    row = outbox.find(vault.db, digest("too late")[:16])
    assert row is not None
    assert (row.state.value, row.reason, count(vault)) == ("failed", "expired", 0)


async def test_the_event_goes_with_its_message(vault: PlainVault) -> None:
    await say(vault, "short", expires_at_ms=NOW_MS)
    await tidying(vault).look()
    assert [e.kind for e in events.page(vault.db, 0, 10) if e.message] == []


@pytest.mark.parametrize(
    ("kept", "left"),
    [
        (Retention(OPS, None, 2), ["3", "4"]),
        (Retention(OPS, 1000, None), ["4"]),
        (Retention(digest("dev"), None, 0), ["0", "1", "2", "3", "4"]),
    ],
)
async def test_a_channel_is_kept_by_number_and_age(
    vault: PlainVault, kept: Retention, left: list[str]
) -> None:
    for n in range(5):
        received_at_ms = NOW_MS if n == 4 else NOW_MS - 1001
        await say(vault, f"{n}", received_at_ms=received_at_ms)
    await vault.write(lambda db: retention.put(db, kept))
    await tidying(vault).look()
    rows = vault.db.execute("SELECT body FROM message ORDER BY cursor").fetchall()
    assert [row[0].decode() for row in rows] == left


async def test_what_a_consumer_has_not_acknowledged_is_kept(vault: PlainVault) -> None:
    await say(vault, "unread")
    insert = "INSERT INTO consumer (name, acknowledged, created_at_ms) VALUES ('bot', 0, 0)"
    await vault.write(lambda db: db.execute(insert).rowcount)
    await vault.write(lambda db: retention.put(db, Retention(OPS, None, 0)))
    await tidying(vault).look()
    assert count(vault) == 1


async def test_what_is_on_its_way_is_kept(vault: PlainVault) -> None:
    await say(vault, "mine", mine=True, card=ALICE.card.id)
    await vault.write(lambda db: retention.put(db, Retention(OPS, None, 0)))
    await tidying(vault).look()
    assert count(vault) == 1


async def test_the_index_follows_in_the_background(vault: PlainVault) -> None:
    for n in range(3):
        await vault.write(partial(messages.add, message=message_by(BOB, OPS, f"word{n}")))
    assert indexing.behind(vault.db)
    await tidying(vault).look()
    assert not indexing.behind(vault.db)


async def test_the_log_is_cut_at_the_next_look_after_a_change(vault: PlainVault) -> None:
    cursor, keeper = await say(vault, SECRET * 100), tidying(vault)
    await keeper.look()

    def erase(db: SqlConnection) -> None:
        changes.erase(db, cursor, BOB.identity, NOW_MS)
        events.add_change(db, NOW_MS, OPS, cursor, ChangeData("deleted", BOB.identity))

    await vault.write(lambda db: changes.edit(db, cursor, SECRET, 1, NOW_MS))
    await vault.write(erase)
    assert vault.holds(SECRET.encode())
    await keeper.look()
    assert not vault.holds(SECRET.encode())


async def test_the_log_is_cut_within_so_many_looks_whatever_was_removed(vault: PlainVault) -> None:
    cursor, keeper = await say(vault, SECRET * 100), tidying(vault)
    await keeper.look()
    await vault.write(lambda db: changes.edit(db, cursor, SECRET, 1, NOW_MS))
    await vault.write(lambda db: changes.erase(db, cursor, BOB.identity, NOW_MS))
    for _ in range(RETENTION_LOOKS):
        assert vault.holds(SECRET.encode())
        await keeper.look()
    assert not vault.holds(SECRET.encode())
