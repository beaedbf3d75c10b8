"""Quarantine has bounds in bytes: of each card, of the nameless in each channel, and in all."""

import pytest

from peerpost_daemon.records import quarantine
from peerpost_daemon.records.quarantine import LetGo
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from tests.support.people import NOW_MS, digest

ALICE, MALLORY, CHANNEL, OTHER = (digest(name) for name in ("alice", "mallory", "channel", "other"))


def hold(
    db: SqlConnection, card: bytes | None, size: int, channel: bytes = CHANNEL
) -> LetGo | None:
    body = bytes(size)
    return quarantine.hold(db, channel, 1, NOW_MS, reason="malformed", card=card, body=body)


def sizes(db: SqlConnection, channel: bytes = CHANNEL) -> list[int]:
    return [len(one.body) for one in quarantine.held_in(db, channel, "malformed", 99)]


async def test_one_card_has_so_many_bytes(vault: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "MAX_QUARANTINED_BYTES_OF_CARD", 100)
    assert await vault.write(lambda db: hold(db, ALICE, 90)) is None
    assert await vault.write(lambda db: hold(db, MALLORY, 60)) is None
    assert await vault.write(lambda db: hold(db, MALLORY, 50)) == LetGo(1, 60)
    assert await vault.read(sizes) == [90, 50]


async def test_what_names_no_card_counts_for_its_channel(
    vault: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MAX_QUARANTINED_BYTES_OF_CARD", 100)
    await vault.write(lambda db: hold(db, None, 80))
    assert await vault.write(lambda db: hold(db, None, 81, OTHER)) is None
    assert await vault.write(lambda db: hold(db, None, 30, OTHER)) == LetGo(1, 81)
    assert await vault.read(sizes) == [80]


async def test_all_together_have_so_many_bytes(
    vault: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MAX_QUARANTINED_BYTES", 100)
    await vault.write(lambda db: hold(db, ALICE, 60))
    assert await vault.write(lambda db: hold(db, MALLORY, 60)) == LetGo(1, 60)
    assert await vault.write(lambda db: hold(db, MALLORY, 300)) == LetGo(1, 60)
    assert await vault.read(sizes) == [300]  # one alone always stays


async def test_an_eighth_goes_at_once(vault: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "MAX_QUARANTINED_OF_CARD", 16)
    gone = [await vault.write(lambda db: hold(db, MALLORY, 1)) for _ in range(40)]
    assert [one.count for one in gone if one] == [3] * 8
