"""What waits is tallied by the vault itself, whatever moves it, and whatever was there before."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from peerpost_daemon.records import alarms, messages, outbox, schema, tallies
from peerpost_daemon.records.tallies import Tally
from peerpost_daemon.vault.connection import WRITER, SqlConnection, connect
from peerpost_daemon.vault.migrations import migrate
from tests.daemon.methods.house import ALICE, message_by
from tests.support.people import NOW_MS, digest

CHANNEL = digest("channel")
KEY = digest("key")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[SqlConnection]:
    connection = connect(tmp_path / "vault.db", KEY, WRITER)
    migrate(connection, schema.MIGRATIONS)
    yield connection
    connection.close()


def _queue(db: SqlConnection, text: str, **changes: Any) -> None:
    said = message_by(ALICE, CHANNEL, text, mine=True, **changes)
    cursor = messages.add(db, said)
    assert cursor is not None
    outbox.add(db, said, cursor, None, None)


def _move(db: SqlConnection, state: str, number: int = 1) -> None:
    db.execute("UPDATE outbox SET state = ? WHERE number = ?", (state, number))


def test_a_message_on_its_way_is_tallied_at_each_step(db: SqlConnection) -> None:
    _queue(db, "hello")
    assert tallies.queued(db) == Tally(1, 5)
    _move(db, "sealed")
    assert tallies.queued(db) == Tally(1, 5)
    _move(db, "sent")
    assert (tallies.queued(db), tallies.sent(db)) == (Tally(0, 0), Tally(1, 5))
    _move(db, "delivered")
    assert (tallies.sent(db), tallies.messages(db)) == (Tally(0, 0), 1)


def test_what_is_removed_is_tallied_no_more(db: SqlConnection) -> None:
    _queue(db, "hello")
    db.execute("DELETE FROM outbox")
    db.execute("DELETE FROM message")
    assert (tallies.queued(db), tallies.messages(db)) == (Tally(0, 0), 0)


def test_the_oldest_that_waits_is_known(db: SqlConnection) -> None:
    for number, text in enumerate("abc"):
        _queue(db, text, sent_at_ms=NOW_MS + number)
    _move(db, "sent")
    found = tallies.backlog(db)
    assert (found.oldest_queued_ms, found.oldest_sent_ms) == (NOW_MS + 1, NOW_MS)


def test_an_older_vault_is_tallied_when_it_is_opened(tmp_path: Path) -> None:
    connection = connect(tmp_path / "vault.db", KEY, WRITER)
    migrate(connection, schema.MIGRATIONS[:1])
    connection.execute(
        "INSERT INTO message (id, card, identity, mine, body, sent_at_ms) "
        "VALUES (x'01', x'02', 'a', 1, x'0000ff', 1)"
    )
    connection.execute(
        "INSERT INTO outbox (message, message_cursor, state, queued_at_ms) "
        "VALUES (x'01', 1, 'sealed', 1)"
    )
    migrate(connection, schema.MIGRATIONS)
    assert (tallies.queued(connection), tallies.messages(connection)) == (Tally(1, 3), 1)
    connection.close()


def test_an_alarm_is_told_each_time_and_kept_once(db: SqlConnection) -> None:
    for at in (1, 2):
        alarms.sound(db, "relay_rolled_back", f"detail {at}", at)
    (kept,) = alarms.everything(db)
    assert (kept.at_ms, kept.count, kept.detail) == (2, 2, "detail 2")
    assert db.execute("SELECT count(*) FROM event WHERE kind = 'daemon'").fetchone() == (2,)
    alarms.silence(db, 3)
    assert alarms.everything(db) == []
