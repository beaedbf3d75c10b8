"""The history has a bound in bytes: the oldest that nobody needs give way, and nothing else."""

import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import (
    consumers,
    events,
    history,
    message_pages,
    messages,
    outbox,
    tallies,
)
from peerpost_daemon.records.consumers import Terms
from peerpost_daemon.records.messages import Message
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from tests.support.people import NOW_MS, digest

CHANNEL = digest("channel")


def arrive(db: SqlConnection, number: int, size: int = 10, *, mine: bool = False) -> Message:
    id_ = number.to_bytes(16, "big")
    said = Message(
        id_, CHANNEL, digest("card"), "bob@example.org", mine, 1, number,
        None, bytes(size), None, NOW_MS, NOW_MS, None,
    )  # fmt: skip
    cursor = messages.add(db, said)
    assert cursor is not None
    events.add_message(db, NOW_MS, CHANNEL, cursor)
    if mine:
        outbox.add(db, said, cursor, None, None)
    return said


def numbers(db: SqlConnection) -> list[int]:
    page, _ = message_pages.page(db, CHANNEL, 0, None, 99)
    return [int.from_bytes(stored.message.id, "big") for stored in page]


def fill(db: SqlConnection) -> None:
    for number in range(1, 11):
        arrive(db, number)


async def test_the_oldest_go_and_an_event_says_so(vault: Database) -> None:
    await vault.write(fill)
    await vault.write(lambda db: history.make_room(db, 60, NOW_MS))
    assert await vault.read(numbers) == [5, 6, 7, 8, 9, 10]
    told = await vault.read(lambda db: events.page(db, 0, 99))
    assert [event.kind for event in told] == ["message"] * 6 + ["daemon"]
    assert b"4 of the oldest messages, 40 bytes" in (told[-1].data or b"")


async def test_below_the_bound_nothing_goes(vault: Database) -> None:
    await vault.write(fill)
    await vault.write(lambda db: history.make_room(db, 200, NOW_MS))
    assert len(await vault.read(numbers)) == 10


async def test_what_a_consumer_has_not_acknowledged_stays(vault: Database) -> None:
    await vault.write(fill)
    await vault.write(lambda db: consumers.add(db, "script", 2, Terms(), NOW_MS))
    await vault.write(lambda db: history.make_room(db, 60, NOW_MS))
    assert await vault.read(numbers) == [3, 4, 5, 6, 7, 8, 9, 10]


async def test_a_dead_letter_stays(vault: Database) -> None:
    await vault.write(fill)
    await vault.write(lambda db: consumers.add(db, "queue", 9, Terms(ack_ms=1), NOW_MS))
    await vault.write(
        lambda db: db.execute("INSERT INTO held VALUES ('queue', 2, 'dead', 3, 0, 0, NULL)")
    )
    await vault.write(lambda db: history.make_room(db, 60, NOW_MS))
    assert (await vault.read(numbers))[:3] == [2, 6, 7]


async def test_what_is_under_way_stays(vault: Database) -> None:
    await vault.write(lambda db: arrive(db, 99, mine=True))
    await vault.write(fill)
    await vault.write(lambda db: history.make_room(db, 60, NOW_MS))
    assert (await vault.read(numbers))[:2] == [99, 6]


async def test_when_everything_is_needed_nothing_new_is_taken(vault: Database) -> None:
    await vault.write(fill)
    await vault.write(lambda db: consumers.add(db, "script", 0, Terms(), NOW_MS))
    with pytest.raises(DaemonError) as caught:
        await vault.write(lambda db: history.make_room(db, 100, NOW_MS))
    assert caught.value.kind == "queue_full"
    assert caught.value.retry_after == history.RETRY_SECONDS
    assert len(await vault.read(numbers)) == 10


async def test_the_bytes_are_counted_as_messages_come_change_and_go(vault: Database) -> None:
    await vault.write(fill)
    await vault.write(lambda db: db.execute("UPDATE message SET body = ? WHERE cursor = 1", (b"",)))
    await vault.write(lambda db: db.execute("DELETE FROM message WHERE cursor = 2"))
    assert await vault.read(lambda db: tallies.history(db).bytes) == 80
