"""Quarantine: what was not taken is kept, within a bound."""

import pytest

from peerpost_daemon.records import quarantine
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from tests.support.people import NOW_MS, digest

CARD, CHANNEL = digest("card"), digest("channel")
REASONS = ("untrusted_card", "unverified_contact")


def hold(db: SqlConnection, count: int) -> None:
    for n in range(count):
        quarantine.hold(db, CHANNEL, n, NOW_MS, reason="untrusted_card", card=CARD, body=b"%d" % n)


async def test_the_oldest_give_way(vault: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "MAX_QUARANTINED", 3)
    await vault.write(lambda db: hold(db, 5))
    held = await vault.read(lambda db: quarantine.held_of(db, CARD, CHANNEL, REASONS, 9))
    assert [one.body for one in held] == [b"2", b"3", b"4"]


async def test_what_is_released_is_gone(vault: Database) -> None:
    await vault.write(lambda db: hold(db, 1))
    (one,) = await vault.read(lambda db: quarantine.held_of(db, CARD, CHANNEL, REASONS, 9))
    await vault.write(lambda db: quarantine.release(db, one.number))
    assert await vault.read(lambda db: quarantine.held_of(db, CARD, CHANNEL, REASONS, 9)) == []
