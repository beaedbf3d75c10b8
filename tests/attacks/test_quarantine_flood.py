"""A member sends rubbish without end, to push out of the quarantine what is held of somebody else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.inbound.taking import HELD_BACK
from peerpost_daemon.records import quarantine, schema
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from tests.support.people import NOW_MS, digest

ALICE, MALLORY, CHANNEL = digest("alice"), digest("mallory"), digest("channel")


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "vault.db", bytes(range(32)), schema.MIGRATIONS)
    yield database
    await database.close()


def hold(db: SqlConnection, card: bytes, count: int) -> None:
    for n in range(count):
        quarantine.hold(db, CHANNEL, n, NOW_MS, reason="untrusted_card", card=card, body=b"%d" % n)


async def test_who_sends_rubbish_pushes_out_its_own_only(
    vault: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MAX_QUARANTINED", 10)
    monkeypatch.setattr(quarantine, "MAX_QUARANTINED_OF_CARD", 3)
    await vault.write(lambda db: hold(db, ALICE, 1))
    await vault.write(lambda db: hold(db, MALLORY, 50))
    kept = await vault.read(
        lambda db: [quarantine.held_of(db, who, CHANNEL, HELD_BACK, 99) for who in (ALICE, MALLORY)]
    )
    assert [[one.body for one in held] for held in kept] == [[b"0"], [b"48", b"49"]]


async def test_large_rubbish_pushes_out_its_own_only(
    vault: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MAX_QUARANTINED_BYTES_OF_CARD", 3)
    await vault.write(lambda db: hold(db, ALICE, 1))
    await vault.write(lambda db: hold(db, MALLORY, 50))
    kept = await vault.read(
        lambda db: [quarantine.held_of(db, who, CHANNEL, HELD_BACK, 99) for who in (ALICE, MALLORY)]
    )
    assert [[one.body for one in held] for held in kept] == [[b"0"], [b"49"]]
