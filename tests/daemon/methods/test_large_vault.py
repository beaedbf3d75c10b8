"""A large vault is not read wholly before it is used, but while it is; damage that is found ends the process."""

import asyncio

import pytest

from peerpost_daemon.records import tallies
from peerpost_daemon.vault import database
from tests.daemon.methods.house import PASSPHRASE, House
from tests.support.people import NOW_MS


@pytest.fixture
async def large(alice: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Be a locked vault of a megabyte, and call that large."""
    monkeypatch.setattr(database, "MAX_CHECKED_BYTES", 100_000)
    await alice.daemon.write(lambda db: db.execute("CREATE TABLE big (x)").rowcount)
    rows = "INSERT INTO big SELECT randomblob(60000) FROM generate_series(1, 16)"
    rows = rows.replace("generate_series(1, 16)", "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                        "SELECT i + 1 FROM n WHERE i < 16) SELECT i FROM n)")  # fmt: skip
    await alice.daemon.write(lambda db: db.execute(rows).rowcount)
    await alice.daemon.lock()
    return alice


async def test_it_is_open_at_once_and_checked_beside(large: House) -> None:
    await large.daemon.unlock(PASSPHRASE)
    assert large.daemon.integrity is None
    health = await large.result("daemon.health")
    assert (health["state"], health["storage"]["check"]) == ("ready", None)
    async with asyncio.timeout(5):
        assert large.daemon._checking is not None
        await asyncio.wait([large.daemon._checking])
    storage = (await large.result("daemon.health"))["storage"]
    assert (storage["check"], storage["damage"], storage["checked_at_ms"]) == (
        "quick",
        None,
        NOW_MS,
    )


async def test_damage_is_told_and_ends_the_process(large: House) -> None:
    with large.daemon.settings.vault.open("r+b") as file:
        file.seek(-6000, 2)
        file.write(b"x" * 16)
    await large.daemon.unlock(PASSPHRASE)
    async with asyncio.timeout(5):
        await large.daemon.shutdown_wanted.wait()
    assert large.daemon.damaged is not None
    assert large.daemon.damaged.kind == "storage_failed"
    assert await large.daemon.read(tallies.messages) == 0  # what is whole can still be read


async def test_a_vault_can_be_locked_while_it_is_checked(large: House) -> None:
    await large.daemon.unlock(PASSPHRASE)
    await large.daemon.lock()
    assert large.daemon.damaged is None
    await large.daemon.unlock(PASSPHRASE)
